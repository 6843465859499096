/* SPDX-License-Identifier: Apache-2.0 */
/*
 * switch_stacks for x86-64: what the ABI asks a callee to keep, and nothing else.
 *
 * The object says that it is fit for indirect branch tracking. It does not say so for shadow stacks, because a
 * switch of stacks is not; the linker then leaves them off for the whole program.
 */
#if defined(__x86_64__) && !defined(RUN_GENERIC_SWITCH)

	.text
	.globl	switch_stacks
	.type	switch_stacks, @function
	.p2align 4
switch_stacks:
	.cfi_startproc
	endbr64
	pushq	%rbp
	pushq	%rbx
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	subq	$8, %rsp
	stmxcsr	(%rsp)
	fnstcw	4(%rsp)
	movq	%rsp, (%rdi)
	movq	%rsi, %rsp
	ldmxcsr	(%rsp)
	fldcw	4(%rsp)
	addq	$8, %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	ret
	.cfi_endproc
	.size	switch_stacks, . - switch_stacks

/* Where a new stack begins: the entry waits in %rbx, its argument in %r12. Unwinders end here. */
	.globl	switch_begin
	.type	switch_begin, @function
	.hidden	switch_begin
	.p2align 4
switch_begin:
	.cfi_startproc
	.cfi_undefined rip
	endbr64
	xorl	%ebp, %ebp
	movq	%r12, %rdi
	callq	*%rbx
	ud2
	.cfi_endproc
	.size	switch_begin, . - switch_begin

	.section .note.gnu.property, "a"
	.p2align 3
	.long	4
	.long	16
	.long	5
	.asciz	"GNU"
	.long	0xc0000002	/* GNU_PROPERTY_X86_FEATURE_1_AND */
	.long	4
	.long	1		/* IBT */
	.long	0

#endif
	.section .note.GNU-stack, "", %progbits
