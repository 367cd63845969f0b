bias_clamp.chunk.0:  ; rows 0..1, 4 non-zeros, 292 bytes
     0:	sub	sp, sp, #16
     4:	stp	d8, d9, [sp]
     8:	subs	x3, x3, #4
     c:	b.lo	#96
    10:	ldr	q30, [x2]
    14:	ldr	q31, [x2, #16]
    18:	dup	v0.4s, v30.s[0]
    1c:	dup	v1.4s, v30.s[1]
    20:	ldr	q8, [x0]
    24:	ldur	q9, [x0, #28]
    28:	fmla	v0.4s, v8.4s, v30.s[2]
    2c:	fmla	v1.4s, v8.4s, v30.s[3]
    30:	fmla	v0.4s, v9.4s, v31.s[0]
    34:	ldur	q8, [x0, #56]
    38:	fmla	v1.4s, v8.4s, v31.s[1]
    3c:	dup	v8.4s, v31.s[2]
    40:	fmaxnm	v0.4s, v0.4s, v8.4s
    44:	fmaxnm	v1.4s, v1.4s, v8.4s
    48:	dup	v8.4s, v31.s[3]
    4c:	fminnm	v0.4s, v0.4s, v8.4s
    50:	fminnm	v1.4s, v1.4s, v8.4s
    54:	str	q0, [x1]
    58:	stur	q1, [x1, #36]
    5c:	add	x0, x0, #16
    60:	add	x1, x1, #16
    64:	subs	x3, x3, #4
    68:	b.hs	#-88
    6c:	add	x3, x3, #4
    70:	subs	x3, x3, #3
    74:	b.lo	#164
    78:	ld1r	{ v0.4s }, [x2]
    7c:	ldr	s1, [x2, #4]
    80:	dup	v1.4s, v1.s[0]
    84:	ld1r	{ v2.4s }, [x2]
    88:	ldr	s3, [x2, #4]
    8c:	dup	v3.4s, v3.s[0]
    90:	ldur	q30, [x2, #8]
    94:	ldr	d31, [x2, #24]
    98:	ldr	d8, [x0]
    9c:	ldur	d9, [x0, #4]
    a0:	fmla	v0.4s, v8.4s, v30.s[0]
    a4:	fmla	v1.4s, v8.4s, v30.s[1]
    a8:	fmla	v2.4s, v9.4s, v30.s[0]
    ac:	fmla	v3.4s, v9.4s, v30.s[1]
    b0:	ldur	d8, [x0, #28]
    b4:	ldr	d9, [x0, #32]
    b8:	fmla	v0.4s, v8.4s, v30.s[2]
    bc:	fmla	v2.4s, v9.4s, v30.s[2]
    c0:	ldr	d8, [x0, #56]
    c4:	ldur	d9, [x0, #60]
    c8:	fmla	v1.4s, v8.4s, v30.s[3]
    cc:	fmla	v3.4s, v9.4s, v30.s[3]
    d0:	dup	v8.4s, v31.s[0]
    d4:	fmaxnm	v0.4s, v0.4s, v8.4s
    d8:	fmaxnm	v1.4s, v1.4s, v8.4s
    dc:	fmaxnm	v2.4s, v2.4s, v8.4s
    e0:	fmaxnm	v3.4s, v3.4s, v8.4s
    e4:	dup	v8.4s, v31.s[1]
    e8:	fminnm	v0.4s, v0.4s, v8.4s
    ec:	fminnm	v1.4s, v1.4s, v8.4s
    f0:	fminnm	v2.4s, v2.4s, v8.4s
    f4:	fminnm	v3.4s, v3.4s, v8.4s
    f8:	str	d0, [x1]
    fc:	stur	d1, [x1, #36]
   100:	stur	d2, [x1, #4]
   104:	str	d3, [x1, #40]
   108:	add	x0, x0, #12
   10c:	add	x1, x1, #12
   110:	subs	x3, x3, #3
   114:	b.hs	#-156
   118:	ldp	d8, d9, [sp]
   11c:	add	sp, sp, #16
   120:	ret
