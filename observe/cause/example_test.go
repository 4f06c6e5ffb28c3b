package cause

import (
	"fmt"

	"github.com/autoecoops/autoecoops/observe/logs"
)

// A release makes a component slow, and those that call it.
func ExampleRank() {
	c := newBuilder("web", "orders").calls("web", "orders").slow(faultAt, "orders", "web").change(Release, "orders", "orders@abc123", -20)
	c.log("orders", logs.NewTemplate, logs.Error, "lock timeout after <*> ms", 40)
	top := Rank(c.made()).Causes[0]
	fmt.Println(top.Component)
	fmt.Println(top.Sentence())
	// Output:
	// shop/orders
	// release orders@abc123 at 13:39:40, 20 s before: mean duration of requests of shop/orders rose from 20 ms to 219 ms since 13:40:00; new error template: "lock timeout after <*> ms", 40 lines
}
