package deliver

import (
	"testing"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
)

// TestSettingsLeaveTheRefOut holds that following another tag is no other
// setting: what was refused stays refused.
func TestSettingsLeaveTheRefOut(t *testing.T) {
	digest := func(src v1alpha1.Source) string {
		app := &v1alpha1.Application{Spec: v1alpha1.ApplicationSpec{Source: &src}}
		return (&pass{Engine: &Engine{Digester: &Digester{Key: []byte("key")}}, app: app}).settingsDigest("")
	}
	for name, x := range map[string][2]v1alpha1.Source{
		"git": {{Git: &v1alpha1.GitSource{URL: "u", Branch: "main"}}, {Git: &v1alpha1.GitSource{URL: "u", Tag: "v1"}}},
		"oci": {{OCI: &v1alpha1.OCISource{URL: "u", Tag: "v1"}}, {OCI: &v1alpha1.OCISource{URL: "u", Digest: "sha256:0", Secret: &v1alpha1.LocalReference{Name: "s"}}}},
	} {
		if digest(x[0]) != digest(x[1]) {
			t.Errorf("%s: another ref is another setting", name)
		}
	}
	if digest(v1alpha1.Source{OCI: &v1alpha1.OCISource{URL: "u"}}) == digest(v1alpha1.Source{OCI: &v1alpha1.OCISource{URL: "other"}}) {
		t.Error("another place is the same setting")
	}
}
