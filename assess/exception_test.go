package assess_test

import (
	"context"
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/ops"
)

// notices returns the codes of the notices with a word of their message.
func notices(rep *assess.Report) string {
	var out []string
	for _, n := range rep.Notices {
		out = append(out, n.Code)
	}
	return strings.Join(out, " ")
}

const answered = ", reason: why, owner: me, expires: 2027-01-01}"

func excepted(rep *assess.Report) bool {
	fs := of(rep, privileged)
	return len(fs) == 1 && fs[0].Status == ops.Excepted && fs[0].Exception != nil && fs[0].Exception.Owner == "me"
}

func TestExceptionsFile(t *testing.T) {
	for name, test := range map[string]struct {
		text     string
		excepted bool
		notices  string
	}{
		"by check":             {"exceptions: [{check: k8s-privileged-container" + answered + "]", true, ""},
		"by wildcard":          {"exceptions: [{check: 'k8s-privileged-*'" + answered + "]", true, ""},
		"by object":            {"exceptions: [{check: k8s-privileged-container, object: Deployment/web" + answered + "]", true, ""},
		"by namespace":         {"exceptions: [{check: k8s-privileged-container, object: Deployment/shop/web" + answered + "]", true, ""},
		"by object's wildcard": {"exceptions: [{check: k8s-privileged-container, object: '*/w*'" + answered + "]", true, ""},
		"by path":              {"exceptions: [{check: k8s-privileged-container, path: 'spec.template.spec.containers[0].securityContext.privileged'" + answered + "]", true, ""},
		"by parent":            {"exceptions: [{check: k8s-privileged-container, path: 'spec.template.spec.containers[*]'" + answered + "]", true, ""},
		"by another entry":     {"exceptions: [{check: k8s-privileged-container, path: 'spec.template.spec.containers[1]'" + answered + "]", false, "exception-unused"},
		"other object":         {"exceptions: [{check: k8s-privileged-container, object: Deployment/other" + answered + "]", false, "exception-unused"},
		"other namespace":      {"exceptions: [{check: k8s-privileged-container, object: Deployment/other/web" + answered + "]", false, "exception-unused"},
		"half an object":       {"exceptions: [{check: k8s-privileged-container, object: web" + answered + "]", false, "exception-unused"},
		"bad wildcard":         {"exceptions: [{check: 'k8s-[', object: '['" + answered + "]", false, "exception-unknown"},
		"last day":             {"exceptions: [{check: k8s-privileged-container, reason: a, owner: me, expires: 2026-06-01}]", true, ""},
		"expired":              {"exceptions: [{check: k8s-privileged-container, reason: a, owner: me, expires: 2026-05-31}]", false, "exception-expired"},
		"expired and unused":   {"exceptions: [{check: k8s-host-pid, reason: a, owner: me, expires: 2026-05-31}]", false, "exception-unused"},
		"no such check":        {"exceptions: [{check: k8s-none" + answered + "]", false, "exception-unknown"},
		"all, one forbidden":   {"forbidden: [k8s-privileged-container]\nexceptions: [{check: '*'" + answered + "]", false, ""},
		"renewed":              {"exceptions: [{check: k8s-privileged-container, reason: a, owner: me, expires: 2026-05-31}, {check: k8s-privileged-container" + answered + "]", true, "exception-expired"},
		"two that overlap":     {"exceptions: [{check: 'k8s-privileged-*'" + answered + ", {check: k8s-privileged-container" + answered + "]", true, ""},
		"no reason":            {"exceptions: [{check: k8s-privileged-container, owner: me, expires: 2027-01-01}]", false, "exception-invalid"},
		"no owner":             {"exceptions: [{check: k8s-privileged-container, reason: a, expires: 2027-01-01}]", false, "exception-invalid"},
		"no expiry":            {"exceptions: [{check: k8s-privileged-container, reason: a, owner: me}]", false, "exception-invalid"},
		"no check":             {"exceptions: [{reason: a, owner: me, expires: 2027-01-01}]", false, "exception-invalid"},
		"bad date":             {"exceptions: [{check: k8s-privileged-container, reason: a, owner: me, expires: 2027-13-01}]", false, "exception-invalid"},
		"never":                {"exceptions: [{check: k8s-privileged-container, reason: a, owner: me, expires: never}]", false, "exception-invalid"},
		"unknown field":        {"exceptions: [{check: k8s-privileged-container, until: x" + answered + "]", true, "exception-invalid"},
		"empty":                {"", false, ""},
		"forbidden":            {"forbidden: [k8s-privileged-container]\nexceptions: [{check: k8s-privileged-container" + answered + "]", false, "exception-forbidden"},
		"all forbidden":        {"forbidden: ['k8s-*']\nexceptions: [{check: k8s-privileged-container" + answered + "]", false, "exception-forbidden"},
	} {
		t.Run(name, func(t *testing.T) {
			rep := judge(t, files{"web.yaml": web, ".aeo/exceptions.yaml": test.text})
			if excepted(rep) != test.excepted || notices(rep) != test.notices {
				t.Errorf("excepted %v, notices %+v", excepted(rep), rep.Notices)
			}
			for _, n := range rep.Notices {
				if n.File != ".aeo/exceptions.yaml" || n.Line < 1 {
					t.Errorf("a notice without its place: %+v", n)
				}
			}
		})
	}
}

// TestBrokenExceptionsStopTheAssessment: what the file forbids must not be lost
// because of a slip in it.
func TestBrokenExceptionsStopTheAssessment(t *testing.T) {
	for name, text := range map[string]string{
		"unknown top field": "forbiden: [k8s-host-pid]",
		"bad inline":        "inline: maybe",
		"malformed":         "exceptions: [",
		"not a map":         "- x",
	} {
		src := files{"web.yaml": web, ".aeo/exceptions.yaml": text}.source()
		_, err := engine().Assess(context.Background(), src, assess.Target{}, options())
		if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), ".aeo/exceptions.yaml:") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestInlineExceptions(t *testing.T) {
	annotated := func(value string) string {
		return strings.Replace(web, "namespace: shop}", "namespace: shop, annotations: {except.autoecoops.io/k8s-privileged-container: '"+value+"'}}", 1)
	}
	above := func(text string) string {
		return strings.Replace(web, "          securityContext", "          # aeo:except "+text+"\n          securityContext", 1)
	}
	const forbid = "inline: forbidden\n"
	for name, test := range map[string]struct {
		text, file string
		excepted   bool
		notices    string
	}{
		"annotation":            {annotated("owner=me; expires=2027-01-01; reason=reads, and writes"), "", true, ""},
		"annotation, any order": {annotated("reason=a b; expires=2027-01-01;owner=me"), "", true, ""},
		"annotation, lacking":   {annotated("owner=me; reason=a"), "", false, "exception-invalid"},
		"annotation, nonsense":  {annotated("because"), "", false, "exception-invalid"},
		"annotation, expired":   {annotated("owner=me; expires=2026-01-01; reason=a"), "", false, "exception-expired"},
		"comment above":         {above("k8s-privileged-container owner=me expires=2027-01-01 reason=the vendor's image needs it"), "", true, ""},
		"comment behind":        {strings.Replace(web, "privileged: true}", "privileged: true} # aeo:except k8s-privileged-container owner=me expires=2027-01-01 reason=a", 1), "", true, ""},
		"comment elsewhere":     {"# aeo:except k8s-privileged-container owner=me expires=2027-01-01 reason=a\n" + web, "", false, "exception-unused"},
		"comment, other check":  {above("k8s-host-network owner=me expires=2027-01-01 reason=a"), "", false, "exception-unused"},
		"comment, lacking":      {above("k8s-privileged-container"), "", false, "exception-invalid"},
		"comment, nothing":      {above(""), "", false, "exception-invalid"},
		"annotation forbidden":  {annotated("owner=me; expires=2027-01-01; reason=a"), forbid, false, "exception-forbidden"},
		"comment forbidden":     {above("k8s-privileged-container owner=me expires=2027-01-01 reason=a"), forbid, false, "exception-forbidden"},
	} {
		t.Run(name, func(t *testing.T) {
			f := files{"web.yaml": test.text}
			if test.file != "" {
				f[".aeo/exceptions.yaml"] = test.file
			}
			rep := judge(t, f)
			if excepted(rep) != test.excepted || notices(rep) != test.notices {
				t.Errorf("excepted %v, notices %+v", excepted(rep), rep.Notices)
			}
		})
	}
}

func TestCentralExceptions(t *testing.T) {
	central := func(text string) func(*assess.Options) {
		return func(o *assess.Options) { o.Exceptions, o.ExceptionsName = []byte(text), "central.yaml" }
	}
	own := files{"web.yaml": web, ".aeo/exceptions.yaml": "exceptions: [{check: k8s-privileged-container" + answered + "]"}
	if rep := judge(t, files{"web.yaml": web}, central("exceptions: [{check: k8s-privileged-container"+answered+"]")); !excepted(rep) || of(rep, privileged)[0].Exception.Source != "central.yaml" {
		t.Errorf("%+v", rep.Notices)
	}
	if rep := judge(t, own, central("forbidden: [k8s-privileged-*]")); excepted(rep) || notices(rep) != "exception-forbidden" {
		t.Errorf("%+v", rep.Notices)
	}
}

func TestAnAnnotationInABaseCountsInEveryOverlay(t *testing.T) {
	f := kustomized.with(files{"base/web.yaml": strings.Replace(web, "namespace: shop}", "namespace: shop, annotations: {except.autoecoops.io/k8s-privileged-container: 'owner=me; expires=2027-01-01; reason=a'}}", 1)})
	if rep := judge(t, f); !excepted(rep) || len(rep.Notices) != 0 {
		t.Errorf("%+v", rep.Notices)
	}
}

func FuzzException(f *testing.F) {
	f.Add("exceptions: [{check: k8s-*, path: 'a[*]', object: a/b/c"+answered+"]", "k8s-x owner=a; expires=2027-01-01 reason=\"x", "reason==;=;")
	f.Add("inline: forbidden\nforbidden: [x, 1, [y]]\n", "", "owner")
	f.Add("exceptions: {a: b}\nforbidden: x\n---\n- 1\n", "=", ";;;")
	f.Add("exceptions: [1, [2], {check: [x]}]", "a\x00b", "=\\[")
	f.Fuzz(func(t *testing.T, file, comment, annotation string) {
		if strings.ContainsAny(comment, "\r\n\u0085\u2028\u2029") {
			t.Skip()
		}
		text := strings.Replace(web, "          securityContext", "          # aeo:except "+comment+"\n          securityContext", 1)
		text = strings.Replace(text, "namespace: shop}", "namespace: shop, annotations: {except.autoecoops.io/k8s-privileged-container: '"+strings.ReplaceAll(annotation, "'", "''")+"'}}", 1)
		o := options()
		o.Checks = o.Checks[:8]
		rep, err := engine().Assess(context.Background(), files{"web.yaml": text, ".aeo/exceptions.yaml": file}.source(), assess.Target{}, o)
		if err != nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Fatal(err)
			}
			return
		}
		for _, fd := range rep.Findings {
			if fd.Status == ops.Excepted && (fd.Exception.Owner == "" || fd.Exception.Reason == "" || fd.Exception.Expires < "2026-06-01") {
				t.Errorf("nobody answers for it: %+v", fd.Exception)
			}
		}
		for _, n := range rep.Notices {
			if n.Code == "" || n.Message == "" || n.File == "" {
				t.Errorf("%+v", n)
			}
		}
	})
}
