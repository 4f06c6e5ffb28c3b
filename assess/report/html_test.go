package report

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/ops"
)

// TestHTMLIsSelfContained holds that the page asks for nothing and runs
// nothing but its own script, whatever the report says.
func TestHTMLIsSelfContained(t *testing.T) {
	got := render(t, "html", sample(), options())
	if n := strings.Count(got, "<script"); n != 1 {
		t.Errorf("%d scripts", n)
	}
	if n := strings.Count(got, "</script"); n != 1 {
		t.Errorf("%d ends of scripts", n)
	}
	unquoted := regexp.MustCompile(`"[^"]*"`).ReplaceAllString(got, `""`)
	for _, m := range regexp.MustCompile(`(?i)<[a-z][^>]*\s(src|srcset|action|style|on[a-z]+|data)\s*=`).FindAllString(unquoted, -1) {
		t.Errorf("the page has %s", m)
	}
	for _, m := range regexp.MustCompile(`(?i)\shref="([^"]*)"`).FindAllStringSubmatch(got, -1) {
		if !regexp.MustCompile(`^(#[\w-]+|data:,|https://kubernetes\.io/[\w./-]+)$`).MatchString(m[1]) {
			t.Errorf("the page links to %q", m[1])
		}
	}
	if strings.Contains(pageStyle, "url(") || strings.Contains(pageStyle, "@import") {
		t.Error("the style asks for something")
	}
	for _, part := range []string{pageStyle, pageScript} {
		if !strings.Contains(got, hashOf(part)) || !strings.Contains(got, ">"+part+"</") {
			t.Error("the policy does not allow the page's own style and script")
		}
		if strings.Contains(part, "</") {
			t.Error("style or script would end early")
		}
	}
}

// TestHTMLNests holds that every element is closed where it belongs, that ids
// are unique and that links inside of the page lead somewhere.
func TestHTMLNests(t *testing.T) {
	void := []string{"meta", "link", "input", "wbr", "br"}
	for name, o := range map[string]Options{"full": options(), "bare": {}} {
		got := render(t, "html", sample(), o)
		body := strings.Replace(strings.Replace(got, pageScript, "", 1), pageStyle, "", 1)
		var stack []string
		for _, m := range regexp.MustCompile(`<(/?)([a-z][a-z0-9]*)((?:"[^"]*"|[^>"])*?)(/?)>`).FindAllStringSubmatch(body, -1) {
			switch {
			case m[1] == "/":
				if len(stack) == 0 || stack[len(stack)-1] != m[2] {
					t.Fatalf("%s: </%s> inside of %v", name, m[2], stack)
				}
				stack = stack[:len(stack)-1]
			case m[4] == "" && !slices.Contains(void, m[2]):
				stack = append(stack, m[2])
			}
		}
		if len(stack) > 0 {
			t.Errorf("%s: %v are not closed", name, stack)
		}
		ids := map[string]bool{}
		for _, m := range regexp.MustCompile(`\sid="([^"]*)"`).FindAllStringSubmatch(body, -1) {
			if ids[m[1]] {
				t.Errorf("%s: the id %s is there twice", name, m[1])
			}
			ids[m[1]] = true
		}
		for _, m := range regexp.MustCompile(`href="#([^"]*)"`).FindAllStringSubmatch(body, -1) {
			if !ids[m[1]] {
				t.Errorf("%s: a link leads to #%s, which is not there", name, m[1])
			}
		}
	}
}

func TestHTMLLimits(t *testing.T) {
	got := render(t, "html", many(maxPageFindings+40), Options{})
	if n := strings.Count(got, "<details class=\"f\""); n != maxPageFindings {
		t.Errorf("%d findings on the page", n)
	}
	if !strings.Contains(got, "Not listed: 40 unknown") {
		t.Error("the page does not say what it leaves out")
	}
}

func TestMask(t *testing.T) {
	secret, other := &ops.Finding{Object: ops.Ref{Kind: "Secret"}}, &ops.Finding{Check: "k8s-image-tag"}
	for _, c := range []struct {
		f        *ops.Finding
		in, want string
	}{
		{secret, "  name: db", "  name: db"},
		{secret, "  user: admin", "  user: [masked]"},
		{secret, "    aGVsbG8=", "    [masked]"},
		{secret, "  cert: |-", "  cert: |-"},
		{secret, "stringData:", "stringData:"},
		{secret, "# a comment", "# a comment"},
		{secret, "  \"quoted\": value", "  \"quoted\": [masked]"},
		{other, "  image: nginx", "  image: nginx"},
		{other, "  password: hunter2", "  password: [masked]"},
		{other, "- DB_PASSWORD: hunter2", "- DB_PASSWORD: [masked]"},
		{other, "  \"apiKey\": \"k\",", "  \"apiKey\": [masked]"},
		{other, "  automountServiceAccountToken: false", "  automountServiceAccountToken: false"},
		{other, "  secretName: tls", "  secretName: tls"},
		{other, "  password: {{ .Values.password }}", "  password: {{ .Values.password }}"},
		{other, "  url: postgres://app:hunter2@db/shop", "  url: postgres://app:[masked]@db/shop"},
		{&ops.Finding{Check: "k8s-secret-in-env", Position: ops.Position{Line: 2}}, "  cpu: 100m\n  text: hunter2", "  cpu: 100m\n  text: [masked]"},
		{other, `{"user": "a", "password": "hunter2", "token":"x"}`, `{"user": "a", "password": [masked], "token":[masked]}`},
		{other, "  args: [--password=hunter2, --verbose]", "  args: [--password=[masked], --verbose]"},
		{other, "  - --api-key=hunter2", "  - --api-key=[masked]"},
		{other, "  token: ${{ secrets.TOKEN }}", "  token: ${{ secrets.TOKEN }}"},
		{other, "  secretKeyRef: {name: db, key: password}", "  secretKeyRef: {name: db, key: password}"},
		{other, "    MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQ==", "    [masked]"},
		{other, "- name: DB_PASSWORD\n  value: hunter2\n- name: X\n  value: y", "- name: DB_PASSWORD\n  value: [masked]\n- name: X\n  value: y"},
		{other, "password: |\n  hunter2\n\n  more\nimage: x", "password: |\n  [masked]\n\n  [masked]\nimage: x"},
		{&ops.Finding{Check: "k8s-secret-in-env"}, "  value: hunter2", "  value: [masked]"},
	} {
		if got := strings.Join(mask(c.f, strings.Split(c.in, "\n"), 1), "\n"); got != c.want {
			t.Errorf("mask(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func TestProse(t *testing.T) {
	for in, want := range map[string]string{
		"a\nb\n\nc `d<e>`":          "<p>a b</p><p>c <code>d&lt;e&gt;</code></p>",
		"a\n- b\n  c\n- d\n\ne":     "<p>a</p><ul><li>b c</li><li>d</li></ul><p>e</p>",
		"```yaml\na: <b>\n\nc\n```": "<pre tabindex=\"0\"><code>a: &lt;b&gt;\n\nc</code></pre>",
		"```\nopen":                 "<pre tabindex=\"0\"><code>open</code></pre>",
		"a ` b":                     "<p>a ` b</p>",
		"<script>":                  "<p>&lt;script&gt;</p>",
	} {
		if got := prose(in); got != want {
			t.Errorf("prose(%q) = %q, want %q", in, got, want)
		}
	}
}

type full struct{}

var errFull = errors.New("no space left")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestWriteErrors(t *testing.T) {
	for _, format := range Formats() {
		write, _ := For(format)
		if err := write(full{}, sample(), options()); !errors.Is(err, errFull) {
			t.Errorf("%s: error %v", format, err)
		}
	}
}

func BenchmarkFormats(b *testing.B) {
	rep := many(10_000)
	for _, format := range Formats() {
		b.Run(format, func(b *testing.B) {
			write, _ := For(format)
			for b.Loop() {
				_ = write(discard{}, rep, Options{})
			}
		})
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
