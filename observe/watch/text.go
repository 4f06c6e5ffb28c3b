package watch

import (
	"strconv"
	"strings"
	"time"
)

// quote writes a string as PromQL does.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}

// seconds writes a duration as PromQL reads it.
func seconds(d time.Duration) string {
	return strconv.FormatInt(max(1, int64(d/time.Second)), 10) + "s"
}
