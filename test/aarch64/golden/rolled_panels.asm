rolled_panels.chunk.0:  ; rows 0..1, 7 non-zeros, 252 bytes
     0:	subs	x3, x3, #8
     4:	b.lo	#244
     8:	mov	x11, #2
     c:	ldrh	w10, [x4]
    10:	add	x10, x1, x10, lsl #3
    14:	ld1r	{ v0.4s }, [x2]
    18:	mov	v1.16b, v0.16b
    1c:	ldrh	w12, [x4, #2]
    20:	cbz	x12, #104
    24:	ldur	q31, [x2, #4]
    28:	ldur	x9, [x4, #4]
    2c:	add	x6, x0, w9, uxth #3
    30:	ubfx	x7, x9, #16, #16
    34:	add	x7, x0, x7, lsl #3
    38:	ubfx	x8, x9, #32, #16
    3c:	add	x8, x0, x8, lsl #3
    40:	lsr	x9, x9, #48
    44:	add	x9, x0, x9, lsl #3
    48:	ldp	q16, q17, [x6]
    4c:	fmla	v0.4s, v16.4s, v31.s[0]
    50:	fmla	v1.4s, v17.4s, v31.s[0]
    54:	ldp	q18, q19, [x7]
    58:	fmla	v0.4s, v18.4s, v31.s[1]
    5c:	fmla	v1.4s, v19.4s, v31.s[1]
    60:	ldp	q20, q21, [x8]
    64:	fmla	v0.4s, v20.4s, v31.s[2]
    68:	fmla	v1.4s, v21.4s, v31.s[2]
    6c:	ldp	q22, q23, [x9]
    70:	fmla	v0.4s, v22.4s, v31.s[3]
    74:	fmla	v1.4s, v23.4s, v31.s[3]
    78:	add	x2, x2, #16
    7c:	add	x4, x4, #8
    80:	subs	x12, x12, #1
    84:	b.ne	#-96
    88:	ldrh	w12, [x4, #4]
    8c:	cbz	x12, #48
    90:	ldr	s31, [x2, #4]
    94:	dup	v31.4s, v31.s[0]
    98:	ldrh	w6, [x4, #6]
    9c:	add	x6, x0, x6, lsl #3
    a0:	ldp	q16, q17, [x6]
    a4:	fmla	v0.4s, v16.4s, v31.4s
    a8:	fmla	v1.4s, v17.4s, v31.4s
    ac:	add	x2, x2, #4
    b0:	add	x4, x4, #2
    b4:	subs	x12, x12, #1
    b8:	b.ne	#-40
    bc:	ldr	s31, [x2, #4]
    c0:	dup	v31.4s, v31.s[0]
    c4:	fmaxnm	v0.4s, v0.4s, v31.4s
    c8:	fmaxnm	v1.4s, v1.4s, v31.4s
    cc:	stp	q0, q1, [x10]
    d0:	add	x2, x2, #8
    d4:	add	x4, x4, #6
    d8:	subs	x11, x11, #1
    dc:	b.ne	#-208
    e0:	subs	x2, x2, #44
    e4:	subs	x4, x4, #26
    e8:	add	x0, x0, #192
    ec:	add	x1, x1, #64
    f0:	subs	x3, x3, #8
    f4:	b.hs	#-236
    f8:	ret
