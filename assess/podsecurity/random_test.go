package podsecurity

import "math/rand/v2"

type m = map[string]any

// randomPod starts from a pod that the restricted level allows and makes a few
// random changes, so that both verdicts and all checks come up.
func randomPod(r *rand.Rand) m {
	g := generator{r}
	annotations, spec := m{}, m{"securityContext": m{"runAsNonRoot": true, "seccompProfile": m{"type": "RuntimeDefault"}}}
	if g.chance(4) {
		spec["securityContext"] = m{}
	}
	var all []m
	for _, list := range []string{"initContainers", "containers", "ephemeralContainers"} {
		n := g.IntN(3)
		if list == "containers" {
			n++
		}
		if list == "ephemeralContainers" && !g.chance(4) {
			n = 0
		}
		var cs []any
		for i := range n {
			c := m{"name": list[:1] + string(rune('a'+i)), "image": "x"}
			if !g.chance(10) {
				c["securityContext"] = m{"allowPrivilegeEscalation": false, "capabilities": m{"drop": []any{"ALL"}}}
			}
			cs = append(cs, c)
			all = append(all, c)
		}
		if n > 0 {
			spec[list] = cs
		}
	}
	for range g.IntN(6) {
		switch g.IntN(3) {
		case 0:
			g.changePod(spec, annotations, all)
		default:
			g.changeContainer(all[g.IntN(len(all))])
		}
	}
	meta := m{"name": "p"}
	if len(annotations) > 0 {
		meta["annotations"] = annotations
	}
	return m{"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}
}

type generator struct{ *rand.Rand }

func (g generator) chance(n int) bool { return g.IntN(n) == 0 }

func (g generator) one(of ...any) any { return of[g.IntN(len(of))] }

func (g generator) bool() any { return g.one(true, false, nil) }

// in returns the map at key, making it where it is absent or null.
func in(parent m, key string) m {
	if c, ok := parent[key].(m); ok {
		return c
	}
	c := m{}
	parent[key] = c
	return c
}

func (g generator) changePod(spec, annotations m, all []m) {
	switch g.IntN(9) {
	case 0:
		spec[g.one("hostNetwork", "hostPID", "hostIPC").(string)] = g.one(true, false)
	case 1:
		spec["hostUsers"] = g.bool()
	case 2:
		spec["os"] = g.one(m{"name": "windows"}, m{"name": "linux"}, nil)
	case 3, 4:
		v := m{"name": "v"}
		kinds := append(append([]string{}, allowedVolumes[:]...), refusedVolumes[:]...)
		for range g.IntN(3) {
			v[kinds[g.IntN(len(kinds))]] = g.one(m{}, m{}, m{}, nil)
		}
		list, _ := spec["volumes"].([]any)
		spec["volumes"] = append(list, v)
	case 5:
		sysctl := safeSysctls[g.IntN(len(safeSysctls))].name
		if g.chance(3) {
			sysctl = "kernel.msgmax"
		}
		in(spec, "securityContext")["sysctls"] = []any{m{"name": sysctl, "value": "1"}}
	case 6:
		c := all[g.IntN(len(all))]["name"].(string)
		annotations[appArmorAnnotation+c] = g.one("runtime/default", "localhost/x", "unconfined", "")
	case 7:
		c := all[g.IntN(len(all))]["name"].(string)
		annotations[g.one(seccompAnnotation, seccompOfContainers+c, seccompOfContainers+"other").(string)] = g.one("runtime/default", "docker/default", "localhost/x", "unconfined", "")
	case 8:
		g.changeSecurity(spec)
	}
}

// changeSecurity changes what pods and containers both have.
func (g generator) changeSecurity(owner m) {
	if g.chance(12) {
		owner["securityContext"] = nil
		return
	}
	sc := in(owner, "securityContext")
	switch g.IntN(6) {
	case 0:
		sc["runAsNonRoot"] = g.bool()
	case 1:
		sc["runAsUser"] = g.one(0, 1000, nil)
	case 2:
		sc["seccompProfile"] = g.one(m{"type": "RuntimeDefault"}, m{"type": "Localhost", "localhostProfile": "x"}, m{"type": "Unconfined"}, m{}, nil)
	case 3:
		sc["appArmorProfile"] = g.one(m{"type": "RuntimeDefault"}, m{"type": "Localhost"}, m{"type": "Unconfined"}, m{}, nil)
	case 4:
		sc["seLinuxOptions"] = g.one(m{"type": "container_t"}, m{"type": "container_engine_t"}, m{"type": "spc_t"}, m{"user": "u"}, m{"role": "r", "user": ""}, m{"level": "s0"}, m{}, nil)
	case 5:
		sc["windowsOptions"] = g.one(m{"hostProcess": true}, m{"hostProcess": false}, m{}, nil)
	}
}

func (g generator) changeContainer(c m) {
	switch g.IntN(8) {
	case 0:
		in(c, "securityContext")["privileged"] = g.bool()
	case 1:
		in(c, "securityContext")["allowPrivilegeEscalation"] = g.bool()
	case 2:
		caps := in(in(c, "securityContext"), "capabilities")
		caps["drop"] = g.one([]any{"ALL"}, []any{"all"}, []any{"NET_RAW", "ALL"}, []any{}, nil)
	case 3:
		caps := in(in(c, "securityContext"), "capabilities")
		caps["add"] = g.one([]any{"NET_BIND_SERVICE"}, []any{"CHOWN"}, []any{"CHOWN", "SYS_ADMIN"}, []any{"CAP_CHOWN"}, []any{"NET_RAW"}, []any{}, nil)
	case 4:
		in(c, "securityContext")["procMount"] = g.one("Default", "Unmasked", nil)
	case 5:
		c["ports"] = []any{m{"containerPort": 80, "hostPort": g.one(0, 80, nil)}, m{"containerPort": 81}}
	case 6:
		host := g.one("", "10.0.0.1", "localhost", nil)
		handler := m{g.one("httpGet", "tcpSocket").(string): m{"port": 80, "host": host}}
		switch g.IntN(3) {
		case 0:
			c[g.one("livenessProbe", "readinessProbe", "startupProbe").(string)] = handler
		case 1:
			in(c, "lifecycle")[g.one("preStop", "postStart").(string)] = handler
		default:
			c["livenessProbe"] = nil
		}
	case 7:
		g.changeSecurity(c)
	}
}
