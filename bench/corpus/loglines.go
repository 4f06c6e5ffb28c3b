package corpus

import "fmt"

// LogLines are n lines as six services write them: few kinds, and values that are
// always new.
func LogLines(n int) [][]byte {
	forms := []func(i int) string{
		func(i int) string {
			return fmt.Sprintf(`2026-01-02T03:04:%02d.%03dZ INFO  request finished method=GET path=/api/v1/orders/%d status=200 duration=%dms trace_id=%032x`, i%60, i%1000, i, i%300, i)
		},
		func(i int) string {
			return fmt.Sprintf(`{"ts":"2026-01-02T03:04:05Z","level":"info","msg":"order %d stored in %d ms","customer":"c-%d","pod":"orders-7d9f-%d"}`, i, i%70, i*7, i%9)
		},
		func(i int) string {
			return fmt.Sprintf(`10.1.%d.%d - - [02/Jan/2026:03:04:05 +0000] "GET /static/app-%d.js HTTP/1.1" 200 %d "-" "Mozilla/5.0 (X11; Linux x86_64)"`, i%256, i%200, i%1000, i%90000)
		},
		func(i int) string {
			return fmt.Sprintf(`I0102 03:04:05.%06d       1 controller.go:114] "Reconciled" object="shop/cart-%d" took="%d.%dms"`, i%1000000, i%5000, i%90, i%10)
		},
		func(i int) string {
			return fmt.Sprintf(`ts=2026-01-02T03:04:05.%03dZ level=warn component=pool msg="connection to 10.0.%d.%d:5432 is slow" latency=%dms`, i%1000, i%256, i%251, i%900)
		},
		func(i int) string {
			return fmt.Sprintf("2026-01-02 03:04:05,%03d ERROR [worker-%d] c.e.shop.PaymentClient - payment %08x-0000-4000-8000-%012x failed after %d tries: connection reset by peer", i%1000, i%16, i, i, i%5)
		},
	}
	out := make([][]byte, n)
	for i := range out {
		out[i] = []byte(forms[i%len(forms)](i))
	}
	return out
}
