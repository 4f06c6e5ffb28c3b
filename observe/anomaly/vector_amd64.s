#include "go_asm.h"
#include "textflag.h"

// Lanes beyond the known patterns are made infinitely far: eight zeros, then
// eight infinities, of which the eight are loaded that begin at the number of
// known ones before the end.
DATA beyond<>+0(SB)/8, $0
DATA beyond<>+8(SB)/8, $0
DATA beyond<>+16(SB)/8, $0
DATA beyond<>+24(SB)/8, $0
DATA beyond<>+32(SB)/8, $0x7f8000007f800000
DATA beyond<>+40(SB)/8, $0x7f8000007f800000
DATA beyond<>+48(SB)/8, $0x7f8000007f800000
DATA beyond<>+56(SB)/8, $0x7f8000007f800000
GLOBL beyond<>(SB), RODATA|NOPTR, $64

// All bits but the sign.
DATA unsigned<>+0(SB)/8, $0x7fffffff7fffffff
DATA unsigned<>+8(SB)/8, $0x7fffffff7fffffff
DATA unsigned<>+16(SB)/8, $0x7fffffff7fffffff
DATA unsigned<>+24(SB)/8, $0x7fffffff7fffffff
GLOBL unsigned<>(SB), RODATA|NOPTR, $32

// 1e9, as far as levels are from each other at most.
DATA farthest<>+0(SB)/8, $0x4e6e6b284e6e6b28
DATA farthest<>+8(SB)/8, $0x4e6e6b284e6e6b28
DATA farthest<>+16(SB)/8, $0x4e6e6b284e6e6b28
DATA farthest<>+24(SB)/8, $0x4e6e6b284e6e6b28
GLOBL farthest<>(SB), RODATA|NOPTR, $32

DATA one<>+0(SB)/8, $0x3f8000003f800000
DATA one<>+8(SB)/8, $0x3f8000003f800000
DATA one<>+16(SB)/8, $0x3f8000003f800000
DATA one<>+24(SB)/8, $0x3f8000003f800000
GLOBL one<>(SB), RODATA|NOPTR, $32

// FIND makes AX the index of the first of the least of DX distances at DI, a
// multiple of eight, of which Y0 holds the last eight. When what is least equals
// nothing there was something that is no number: then it is the first.
#define FIND \
	MOVQ DX, BX \
	SUBQ $8, BX \
	JEQ 5(PC) \
	SUBQ $8, BX \
	VMINPS (DI)(BX*4), Y0, Y0 \
	TESTQ BX, BX \
	JNE -3(PC) \
	VPERM2F128 $1, Y0, Y0, Y1 \
	VMINPS Y1, Y0, Y0 \
	VPERMILPS $0x4e, Y0, Y1 \
	VMINPS Y1, Y0, Y0 \
	VPERMILPS $0xb1, Y0, Y1 \
	VMINPS Y1, Y0, Y0 \
	VCMPPS $0, (DI)(BX*4), Y0, Y1 \
	VMOVMSKPS Y1, AX \
	TESTL AX, AX \
	JNE 6(PC) \
	ADDQ $8, BX \
	CMPQ BX, DX \
	JLT -6(PC) \
	XORQ BX, BX \
	MOVL $1, AX \
	BSFL AX, AX \
	ADDQ BX, AX

// func vectorLevel(levels *[40]short, n int, x float32, room *[48]float32) (at int)
TEXT ·vectorLevel(SB), NOSPLIT, $0-40
	MOVQ levels+0(FP), SI
	MOVQ n+8(FP), CX
	VBROADCASTSS x+16(FP), Y2
	MOVQ room+24(FP), DI
	VMOVUPS unsigned<>(SB), Y3
	LEAQ beyond<>(SB), R8
	XORQ DX, DX
level:
	VCVTPH2PS (SI)(DX*2), Y0
	VSUBPS Y0, Y2, Y0
	VANDPS Y3, Y0, Y0
	MOVQ CX, BX
	SUBQ DX, BX
	CMPQ BX, $8
	JLE lastLevels
	MOVQ $8, BX
lastLevels:
	NEGQ BX
	VMAXPS 32(R8)(BX*4), Y0, Y0
	VMOVUPS Y0, (DI)(DX*4)
	ADDQ $8, DX
	CMPQ DX, CX
	JLT level
	FIND
	MOVQ AX, at+32(FP)
	VZEROUPPER
	RET

// func vectorPattern(levels *[144]short, n int, m *measure, room *[48]float32) (at int)
TEXT ·vectorPattern(SB), NOSPLIT, $0-40
	MOVQ levels+0(FP), SI
	MOVQ n+8(FP), CX
	MOVQ m+16(FP), AX
	MOVQ room+24(FP), DI
	LEAQ beyond<>(SB), R8
	XORQ DX, DX
	VBROADCASTSS 0(AX), Y0 // the levels
	VBROADCASTSS 4(AX), Y1
	VBROADCASTSS 8(AX), Y2
	VBROADCASTSS 12(AX), Y3 // the form
	VBROADCASTSS 16(AX), Y4
	VBROADCASTSS 20(AX), Y5
	VBROADCASTSS 24(AX), Y6 // inverse
	VBROADCASTSS 28(AX), Y7 // flat
	VBROADCASTSS 32(AX), Y8 // weight
pattern:
	VCVTPH2PS (SI)(DX*2), Y9
	VCVTPH2PS 96(SI)(DX*2), Y10
	VCVTPH2PS 192(SI)(DX*2), Y11

	// Y12 is the least level, Y13 one over the height.
	VMINPS Y10, Y9, Y12
	VMINPS Y11, Y12, Y12
	VMAXPS Y10, Y9, Y13
	VMAXPS Y11, Y13, Y13
	VSUBPS Y12, Y13, Y13
	VMAXPS Y7, Y13, Y13
	VMOVUPS one<>(SB), Y14
	VDIVPS Y13, Y14, Y13

	// Y14 is the sum of squares of the forms' distances.
	VSUBPS Y12, Y9, Y14
	VMULPS Y13, Y14, Y14
	VSUBPS Y14, Y3, Y14
	VMULPS Y14, Y14, Y14
	VSUBPS Y12, Y10, Y15
	VMULPS Y13, Y15, Y15
	VSUBPS Y15, Y4, Y15
	VMULPS Y15, Y15, Y15
	VADDPS Y15, Y14, Y14
	VSUBPS Y12, Y11, Y15
	VMULPS Y13, Y15, Y15
	VSUBPS Y15, Y5, Y15
	VMULPS Y15, Y15, Y15
	VADDPS Y15, Y14, Y14
	VMULPS Y8, Y14, Y14

	// Y9 becomes that of the levels'.
	VMOVUPS unsigned<>(SB), Y12
	VMOVUPS farthest<>(SB), Y13
	VSUBPS Y9, Y0, Y9
	VANDPS Y12, Y9, Y9
	VMULPS Y6, Y9, Y9
	VMINPS Y13, Y9, Y9
	VMULPS Y9, Y9, Y9
	VSUBPS Y10, Y1, Y10
	VANDPS Y12, Y10, Y10
	VMULPS Y6, Y10, Y10
	VMINPS Y13, Y10, Y10
	VMULPS Y10, Y10, Y10
	VADDPS Y10, Y9, Y9
	VSUBPS Y11, Y2, Y11
	VANDPS Y12, Y11, Y11
	VMULPS Y6, Y11, Y11
	VMINPS Y13, Y11, Y11
	VMULPS Y11, Y11, Y11
	VADDPS Y11, Y9, Y9
	VADDPS Y14, Y9, Y9

	MOVQ CX, BX
	SUBQ DX, BX
	CMPQ BX, $8
	JLE lastPatterns
	MOVQ $8, BX
lastPatterns:
	NEGQ BX
	VMAXPS 32(R8)(BX*4), Y9, Y9
	VMOVUPS Y9, (DI)(DX*4)
	ADDQ $8, DX
	CMPQ DX, CX
	JLT pattern

	VMOVAPS Y9, Y0
	FIND
	MOVQ AX, at+32(FP)
	VZEROUPPER
	RET

// func canVector() bool
TEXT ·canVector(SB), NOSPLIT, $0-1
	MOVB $0, ret+0(FP)
	XORL AX, AX
	CPUID
	CMPL AX, $7
	JLT no
	MOVL $1, AX
	XORL CX, CX
	CPUID
	ANDL $0x38000000, CX // OSXSAVE, AVX, F16C
	CMPL CX, $0x38000000
	JNE no
	XORL CX, CX
	XGETBV
	ANDL $6, AX // the system keeps both halves of the registers
	CMPL AX, $6
	JNE no
	MOVL $7, AX
	XORL CX, CX
	CPUID
	TESTL $0x20, BX // AVX2
	JEQ no
	MOVB $1, ret+0(FP)
no:
	RET

// func prefetch(s *Series)
TEXT ·prefetch(SB), NOSPLIT, $0-8
	MOVQ s+0(FP), SI
	PREFETCHT0 (Series_in-64)(SI)
	PREFETCHT0 (Series_in)(SI)
	PREFETCHT0 (Series_in+64)(SI)
	PREFETCHT0 (Series_in+128)(SI)
	PREFETCHT0 (Series_in+192)(SI)
	PREFETCHT0 (Series_in+256)(SI)
	PREFETCHT0 (Series_in+320)(SI)
	PREFETCHT0 (Series_in+384)(SI)
	PREFETCHT0 (Series_in+448)(SI)
	PREFETCHT0 (Series_in+512)(SI)
	PREFETCHT0 (Series_in+576)(SI)
	PREFETCHT0 (Series_in+640)(SI)
	PREFETCHT0 (Series_in+704)(SI)
	PREFETCHT0 (Series_in+768)(SI)
	PREFETCHT0 (Series_in+832)(SI)
	PREFETCHT0 (Series_in+896)(SI)
	PREFETCHT0 (Series_in+960)(SI)
	PREFETCHT0 (Series_known+0)(SI)
	PREFETCHT0 (Series_known+64)(SI)
	PREFETCHT0 (Series_known+128)(SI)
	PREFETCHT0 (Series_known+192)(SI)
	PREFETCHT0 (Series_known+256)(SI)
	PREFETCHT0 (Series_known+320)(SI)
	PREFETCHT0 (Series_known+384)(SI)
	PREFETCHT0 (Series_known+448)(SI)
	RET

// func prefetchKnown(k *known)
TEXT ·prefetchKnown(SB), NOSPLIT, $0-8
	MOVQ k+0(FP), SI
	PREFETCHT0 (SI)
	PREFETCHT0 64(SI)
	PREFETCHT0 128(SI)
	PREFETCHT0 192(SI)
	PREFETCHT0 256(SI)
	PREFETCHT0 320(SI)
	PREFETCHT0 384(SI)
	PREFETCHT0 448(SI)
	PREFETCHT0 (known__size-1)(SI)
	RET
