package health

import "testing"

func TestCommandSleeps(t *testing.T) {
	for _, c := range []struct {
		argv  []string
		want  float64
		known bool
	}{
		{[]string{"sleep", "30"}, 30, true},
		{[]string{"/bin/sleep", "1m"}, 60, true},
		{[]string{"sleep", "1m", "30s"}, 90, true},
		{[]string{"sleep", "0.5"}, 0.5, true},
		{[]string{"/bin/sh", "-c", "sleep 30"}, 30, true},
		{[]string{"sh", "-ec", "sleep 10; nginx -s quit; sleep 5"}, 15, true},
		{[]string{"bash", "-c", "sleep 10 && kill -TERM 1"}, 10, true},
		{[]string{"bash", "-e", "-c", "/usr/bin/sleep 10"}, 10, true},
		{[]string{"sh", "-c", "sleep 10 & nginx -s quit"}, 0, true},
		{[]string{"sh", "-c", "exec sleep 7"}, 7, true},
		{[]string{"sh", "-c", "echo bye >/proc/1/fd/1\nsleep 7\n"}, 7, true},
		{[]string{"sh", "-c", "sleep $DELAY"}, 0, false},
		{[]string{"sh", "-c", "while ! done; do sleep 1; done"}, 0, false},
		{[]string{"sh", "-c", "(sleep 3)"}, 3, true},
		{[]string{"busybox", "sleep", "4"}, 4, true},
		{[]string{"sleep", "infinity"}, 1e9, true},
		{[]string{"nginx", "-s", "quit"}, 0, true},
		{[]string{"powershell", "-Command", "Start-Sleep -Seconds 12"}, 12, true},
		{[]string{"sh"}, 0, true},
		{nil, 0, true},
	} {
		if got, known := commandSleeps(c.argv); got != c.want || known != c.known {
			t.Errorf("%q sleeps %v, %v; want %v, %v", c.argv, got, known, c.want, c.known)
		}
	}
}

func FuzzScriptSleeps(f *testing.F) {
	f.Add("sleep 1 && x || y & z | sleep 2;\n(sleep 3)")
	f.Fuzz(func(t *testing.T, script string) {
		if s, _ := scriptSleeps(script); s < 0 {
			t.Errorf("%q sleeps %v", script, s)
		}
	})
}
