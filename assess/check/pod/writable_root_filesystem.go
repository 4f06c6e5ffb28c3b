package pod

import (
	"slices"
	"strings"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var writableRootFilesystem = &check.Check{
	ID: "k8s-writable-root-filesystem", Name: "writable-root-filesystem", Pages: pages,
	Severity:  ops.Medium,
	Ideas:     []string{"K07"},
	Practices: leastPrivilege,
	Facts:     hardened,
	Container: func(p *check.Pass, c *graph.Container) {
		if c.Pod.Windows() {
			p.Skip()
			return
		}
		at := c.Security().Get("readOnlyRootFilesystem")
		if at.True() || pending(p, at, "readOnlyRootFilesystem") {
			return
		}
		scratch := scratchFolders(c)
		needs := ""
		if len(scratch) > 0 {
			needs = "; it seems to need an emptyDir at " + strings.Join(scratch, ", ") + " before that can be denied"
		}
		r := p.Fail(c.Node, "securityContext.readOnlyRootFilesystem", "container %q can write to its root file system, so an intruder can change its programs%s", c.Name, needs)
		if !c.LongRunning() {
			r.As(ops.Low)
		}
		if len(scratch) > 0 {
			r.Fix("Set readOnlyRootFilesystem: true and mount an emptyDir at %s.", strings.Join(scratch, ", "))
			return
		}
		r.Set("true")
	},
}

// writingImages are well-known images by the last part of their name, with the
// folders outside of volumes that they write to.
var writingImages = []struct {
	name    string
	folders []string
}{
	{"nginx", []string{"/var/cache/nginx", "/run", "/tmp"}},
	{"nginx-unprivileged", []string{"/tmp"}},
	{"httpd", []string{"/usr/local/apache2/logs"}},
	{"postgres", []string{"/var/lib/postgresql/data", "/run/postgresql", "/tmp"}},
	{"mysql", []string{"/var/lib/mysql", "/run/mysqld", "/tmp"}},
	{"mariadb", []string{"/var/lib/mysql", "/run/mysqld", "/tmp"}},
	{"redis", []string{"/data"}},
	{"valkey", []string{"/data"}},
	{"mongo", []string{"/data/db", "/tmp"}},
	{"rabbitmq", []string{"/var/lib/rabbitmq", "/tmp"}},
	{"tomcat", []string{"/usr/local/tomcat/temp", "/usr/local/tomcat/work", "/usr/local/tomcat/logs", "/tmp"}},
	{"grafana", []string{"/var/lib/grafana", "/tmp"}},
	{"prometheus", []string{"/prometheus"}},
	{"php", []string{"/tmp"}},
	{"wordpress", []string{"/var/www/html", "/run", "/tmp"}},
	{"haproxy", []string{"/run", "/tmp"}},
	{"traefik", []string{"/tmp"}},
}

// scratchFolders returns the folders that a container seems to write to and
// that are not on a volume: those that its image is known for, and those that
// its variables and arguments name as temporary or as caches.
func scratchFolders(c *graph.Container) []string {
	var found []string
	add := func(dir string) {
		if strings.HasPrefix(dir, "/") && !mounted(c, dir) && !slices.Contains(found, dir) {
			found = append(found, dir)
		}
	}
	if img, ok := c.Image(); ok {
		for i := range writingImages {
			if writingImages[i].name == img.Short() {
				for _, dir := range writingImages[i].folders {
					add(dir)
				}
			}
		}
	}
	for _, e := range c.Node.Get("env").Items() {
		switch e.Get("name").Text() {
		case "TMPDIR", "TMP", "TEMP", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "CACHE_DIR", "DATA_DIR", "PGDATA":
			add(e.Get("value").Str())
		}
	}
	for _, list := range [...]string{"command", "args"} {
		previous := ""
		for _, a := range c.Node.Get(list).Items() {
			flag, value, ok := strings.Cut(a.Text(), "=")
			if !ok && strings.HasPrefix(a.Text(), "/") {
				flag, value = previous, a.Text()
			}
			switch strings.TrimLeft(flag, "-") {
			case "tmp-dir", "tmpdir", "temp-dir", "cache-dir", "data-dir", "datadir", "work-dir", "storage.tsdb.path", "log-dir", "log_dir":
				if flag != strings.TrimLeft(flag, "-") {
					add(value)
				}
			}
			previous = a.Text()
		}
	}
	return found
}

// mounted reports whether a folder lies on a volume of the container.
func mounted(c *graph.Container, dir string) bool {
	for _, m := range c.Node.Get("volumeMounts").Items() {
		if at := m.Get("mountPath").Text(); at != "" && within(clean(dir), clean(at)) {
			return true
		}
	}
	return false
}
