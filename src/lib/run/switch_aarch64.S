/* SPDX-License-Identifier: Apache-2.0 */
/* switch_stacks for aarch64: x19 to x30 and the lower halves of v8 to v15, as the ABI asks. Fit for BTI. */
#if defined(__aarch64__) && !defined(RUN_GENERIC_SWITCH)

	.text
	.globl	switch_stacks
	.type	switch_stacks, %function
	.p2align 4
switch_stacks:
	.cfi_startproc
	hint	34		/* bti c */
	sub	sp, sp, #160
	stp	x19, x20, [sp, #0]
	stp	x21, x22, [sp, #16]
	stp	x23, x24, [sp, #32]
	stp	x25, x26, [sp, #48]
	stp	x27, x28, [sp, #64]
	stp	x29, x30, [sp, #80]
	stp	d8, d9, [sp, #96]
	stp	d10, d11, [sp, #112]
	stp	d12, d13, [sp, #128]
	stp	d14, d15, [sp, #144]
	mov	x9, sp
	str	x9, [x0]
	mov	sp, x1
	ldp	x19, x20, [sp, #0]
	ldp	x21, x22, [sp, #16]
	ldp	x23, x24, [sp, #32]
	ldp	x25, x26, [sp, #48]
	ldp	x27, x28, [sp, #64]
	ldp	x29, x30, [sp, #80]
	ldp	d8, d9, [sp, #96]
	ldp	d10, d11, [sp, #112]
	ldp	d12, d13, [sp, #128]
	ldp	d14, d15, [sp, #144]
	add	sp, sp, #160
	ret
	.cfi_endproc
	.size	switch_stacks, . - switch_stacks

/* Where a new stack begins: the entry waits in x19, its argument in x20. Unwinders end here. */
	.globl	switch_begin
	.type	switch_begin, %function
	.hidden	switch_begin
	.p2align 4
switch_begin:
	.cfi_startproc
	.cfi_undefined x30
	hint	36		/* bti j */
	mov	x29, #0
	mov	x30, #0
	mov	x0, x20
	blr	x19
	brk	#1
	.cfi_endproc
	.size	switch_begin, . - switch_begin

	.section .note.gnu.property, "a"
	.p2align 3
	.long	4
	.long	16
	.long	5
	.asciz	"GNU"
	.long	0xc0000000	/* GNU_PROPERTY_AARCH64_FEATURE_1_AND */
	.long	4
	.long	1		/* BTI */
	.long	0

#endif
	.section .note.GNU-stack, "", %progbits
