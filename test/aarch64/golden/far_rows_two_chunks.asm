far_rows.chunk.0:  ; rows 0..0, 3 non-zeros, 176 bytes
     0:	subs	x3, x3, #4
     4:	b.lo	#88
     8:	ldr	d31, [x2]
     c:	add	x4, x2, #8
    10:	ld1	{ v31.s }[2], [x4]
    14:	movi	v0.2d, #0000000000000000
    18:	prfm	pldl1keep, [x0, #16]
    1c:	ldr	q16, [x0]
    20:	fmla	v0.4s, v16.4s, v31.s[0]
    24:	prfm	pldl1keep, [x0, #16400]
    28:	add	x5, x0, #4, lsl #12
    2c:	add	x5, x5, #4
    30:	ldr	q16, [x5]
    34:	fmla	v0.4s, v16.4s, v31.s[1]
    38:	add	x6, x0, #20, lsl #12
    3c:	prfm	pldl1keep, [x6, #32]
    40:	ldur	q16, [x6, #20]
    44:	fmla	v0.4s, v16.4s, v31.s[2]
    48:	str	q0, [x1]
    4c:	add	x0, x0, #16
    50:	add	x1, x1, #16
    54:	subs	x3, x3, #4
    58:	b.hs	#-80
    5c:	add	x3, x3, #4
    60:	subs	x3, x3, #1
    64:	b.lo	#72
    68:	ldr	d31, [x2]
    6c:	add	x4, x2, #8
    70:	ld1	{ v31.s }[2], [x4]
    74:	movi	v0.2d, #0000000000000000
    78:	ldr	s16, [x0]
    7c:	fmla	v0.4s, v16.4s, v31.s[0]
    80:	add	x5, x0, #4, lsl #12
    84:	ldr	s16, [x5, #4]
    88:	fmla	v0.4s, v16.4s, v31.s[1]
    8c:	add	x6, x0, #20, lsl #12
    90:	ldr	s16, [x6, #20]
    94:	fmla	v0.4s, v16.4s, v31.s[2]
    98:	str	s0, [x1]
    9c:	add	x0, x0, #4
    a0:	add	x1, x1, #4
    a4:	subs	x3, x3, #1
    a8:	b.hs	#-64
    ac:	ret
far_rows.chunk.1:  ; rows 0..0, 3 non-zeros, 192 bytes
     0:	subs	x3, x3, #4
     4:	b.lo	#92
     8:	ldr	q0, [x1]
     c:	add	x4, x0, #24, lsl #12
    10:	add	x4, x4, #24
    14:	ldr	q16, [x4]
    18:	ld1r	{ v31.4s }, [x2]
    1c:	fmla	v0.4s, v16.4s, v31.4s
    20:	add	x5, x0, #28, lsl #12
    24:	add	x5, x5, #28
    28:	ldr	q16, [x5]
    2c:	ldr	s31, [x2, #4]
    30:	dup	v31.4s, v31.s[0]
    34:	fmla	v0.4s, v16.4s, v31.4s
    38:	add	x6, x5, #16, lsl #12
    3c:	ldr	q16, [x6, #16]
    40:	ldr	s31, [x2, #8]
    44:	dup	v31.4s, v31.s[0]
    48:	fmla	v0.4s, v16.4s, v31.4s
    4c:	str	q0, [x1]
    50:	add	x0, x0, #16
    54:	add	x1, x1, #16
    58:	subs	x3, x3, #4
    5c:	b.hs	#-84
    60:	add	x3, x3, #4
    64:	subs	x3, x3, #1
    68:	b.lo	#84
    6c:	ldr	s0, [x1]
    70:	add	x4, x0, #24, lsl #12
    74:	ldr	s16, [x4, #24]
    78:	ld1r	{ v31.4s }, [x2]
    7c:	fmla	v0.4s, v16.4s, v31.4s
    80:	add	x5, x0, #28, lsl #12
    84:	ldr	s16, [x5, #28]
    88:	ldr	s31, [x2, #4]
    8c:	dup	v31.4s, v31.s[0]
    90:	fmla	v0.4s, v16.4s, v31.4s
    94:	add	x6, x0, #44, lsl #12
    98:	ldr	s16, [x6, #44]
    9c:	ldr	s31, [x2, #8]
    a0:	dup	v31.4s, v31.s[0]
    a4:	fmla	v0.4s, v16.4s, v31.4s
    a8:	str	s0, [x1]
    ac:	add	x0, x0, #4
    b0:	add	x1, x1, #4
    b4:	subs	x3, x3, #1
    b8:	b.hs	#-76
    bc:	ret
