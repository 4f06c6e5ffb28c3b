package cause

import (
	"fmt"
	"testing"
)

// TestHostsIn finds the names of Services in what workloads are given, and takes no other word
// for one.
func TestHostsIn(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"ORDERS", "http://orders", "[[orders]]"},
		{"ORDERS", "http://orders:8080/v1?to=mail", "[[orders]]"},
		{"DATABASE", "postgres://shop:hunter2@orders-db:5432/shop", "[[orders-db]]"},
		{"DATABASE", "postgres://shop@orders-db.data/shop", "[[orders-db data]]"},
		{"", "--upstream=mail.post.svc.cluster.local", "[[mail post]]"},
		{"", "--cache=cache:6379,backup:6379", "[[cache] [backup]]"},
		{"application.properties", "orders.url=http://orders:80\nmail.url=http://mail.post", "[[orders] [mail post]]"},
		{"ORDERS_HOST", "orders", "[[orders]]"},
		{"MODE", "orders", "[]"},
		{"GREETING", "orders come from mail", "[]"},
		{"PUBLIC_URL", "https://shop.example.com", "[]"},
		{"", "postgres", "[]"},
		{"URL", "http://user:pass@", "[]"},
		{"", "", "[]"},
	} {
		if got := fmt.Sprint(hostsIn(c.name, c.text)); got != c.want {
			t.Errorf("%s=%s: %s, want %s", c.name, c.text, got, c.want)
		}
	}
}
