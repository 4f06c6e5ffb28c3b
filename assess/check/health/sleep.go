package health

import (
	"strconv"
	"strings"

	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
)

// pause is how long a preStop hook sleeps.
type pause struct {
	// seconds is the least time that the hook takes.
	seconds float64
	// known is false if the time depends on what the repository does not hold.
	known bool
	// native means the hook's own sleep action, which needs no program.
	native bool
	// program is the program that an exec hook starts.
	program string
	// at is where the time is written.
	at tree.Node
}

// pauseOf reads a preStop hook: the native sleep action, or an exec of sleep,
// by itself or in a shell.
func pauseOf(hook tree.Node) pause {
	if s := hook.Get("sleep"); !s.IsNull() {
		v, ok := s.Get("seconds").Int()
		return pause{seconds: float64(v), known: ok, native: true, at: s.Get("seconds")}
	}
	command := hook.At("exec", "command")
	if !command.IsList() {
		return pause{known: true, at: hook}
	}
	var argv []string
	for _, a := range command.Items() {
		argv = append(argv, a.Text())
	}
	p := pause{at: command}
	p.seconds, p.known = commandSleeps(argv)
	if len(argv) > 0 {
		p.program = base(argv[0])
	}
	return p
}

func base(program string) string { return program[strings.LastIndexAny(program, `/\`)+1:] }

// commandSleeps returns for how long a command sleeps at least.
func commandSleeps(argv []string) (seconds float64, known bool) {
	if len(argv) == 0 {
		return 0, true
	}
	switch base(argv[0]) {
	case "sleep":
		return durations(argv[1:])
	case "busybox", "toybox", "env", "exec", "command", "nice", "nohup":
		return commandSleeps(argv[1:])
	case "sh", "bash", "ash", "dash", "zsh", "ksh":
		for i, a := range argv[1:] {
			if strings.HasPrefix(a, "-") && !strings.HasPrefix(a, "--") && strings.Contains(a, "c") && i+2 < len(argv) {
				return scriptSleeps(argv[i+2])
			}
		}
		return 0, true
	case "powershell", "powershell.exe", "pwsh", "pwsh.exe":
		return powershellSleeps(argv[1:])
	}
	return 0, true
}

// scriptSleeps adds up the sleeps of a shell script that runs from top to
// bottom. What loops or branches is not known.
func scriptSleeps(script string) (seconds float64, known bool) {
	for len(script) > 0 {
		segment, rest, operator := script, "", ""
		if i := strings.IndexAny(script, ";|&\n"); i >= 0 {
			segment, rest, operator = script[:i], script[i+1:], script[i:i+1]
			if strings.HasPrefix(rest, operator) && operator != "\n" {
				rest, operator = rest[1:], operator+operator
			}
		}
		words := strings.Fields(strings.TrimLeft(strings.TrimSpace(segment), "({ "))
		for len(words) > 0 && strings.Contains(words[0], "=") {
			words = words[1:] // variables set for the command
		}
		if len(words) > 0 {
			switch words[0] {
			case "while", "until", "for", "if", "case", "do", "trap":
				return seconds, false
			}
			for i := range words {
				words[i] = strings.Trim(words[i], `"')}`)
			}
			s, ok := commandSleeps(words)
			if !ok {
				return seconds, false
			}
			if operator != "&" && operator != "||" { // in the background, or left out on success
				seconds += s
			}
		}
		script = rest
	}
	return seconds, true
}

func powershellSleeps(words []string) (seconds float64, known bool) {
	for i, w := range strings.Fields(strings.Join(words, " ")) {
		if !strings.EqualFold(strings.Trim(w, `"'{};`), "Start-Sleep") {
			continue
		}
		rest := strings.Fields(strings.Join(words, " "))[i+1:]
		if len(rest) > 1 && (strings.EqualFold(rest[0], "-s") || strings.EqualFold(rest[0], "-Seconds")) {
			rest = rest[1:]
		}
		if len(rest) == 0 {
			return 0, false
		}
		return durations([]string{strings.Trim(rest[0], `"'{};`)})
	}
	return 0, true
}

// durations adds up the arguments of sleep: numbers with s, m, h or d.
func durations(args []string) (seconds float64, known bool) {
	for _, a := range args {
		if strings.HasPrefix(a, ">") || strings.HasPrefix(a, "2>") {
			break
		}
		if a == "infinity" || a == "inf" {
			return 1e9, true
		}
		number, unit := strings.TrimRight(a, "smhd"), 1.0
		switch strings.TrimPrefix(a, number) {
		case "", "s":
		case "m":
			unit = 60
		case "h":
			unit = 3600
		case "d":
			unit = 86400
		default:
			return seconds, false
		}
		v, err := strconv.ParseFloat(number, 64)
		if err != nil || v < 0 {
			return seconds, false
		}
		seconds += v * unit
	}
	return seconds, true
}

// proxies are images that carry the traffic of their neighbours, by the last
// part of their name.
var proxies = [...]string{"cloud-sql-proxy", "gce-proxy", "proxyv2", "envoy", "cloudsql-proxy", "alloydb-auth-proxy", "pgbouncer"}

// isProxy reports whether a container's image is known to carry the traffic of
// the containers beside it.
func isProxy(c *graph.Container) bool {
	img, ok := c.Image()
	if !ok {
		return false
	}
	for _, name := range proxies {
		if img.Short() == name {
			return true
		}
	}
	return strings.HasSuffix(img.Repository, "linkerd/proxy")
}

// shellless reports whether an image is known to hold no programs besides the
// application: no shell and no sleep.
func shellless(c *graph.Container) bool {
	img, ok := c.Image()
	return ok && (strings.Contains(img.Repository, "distroless/") || strings.HasSuffix(img.Repository, "chainguard/static")) && !strings.Contains(img.Tag, "debug")
}
