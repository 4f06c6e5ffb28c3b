package faultproxy

import (
	"net/http/httptest"
	"strings"
	"testing"
)

func TestVerb(t *testing.T) {
	for line := range strings.Lines(`
GET /api/v1/pods list
GET /api/v1/pods?watch=true watch
GET /api/v1/pods?watch=1&resourceVersion=7 watch
GET /api/v1/pods?watch=false list
GET /api/v1/namespaces list
GET /api/v1/namespaces/a get
GET /api/v1/namespaces/a/status get
PUT /api/v1/namespaces/a/finalize update
GET /api/v1/namespaces/a/pods list
GET /api/v1/namespaces/a/pods/b get
GET /api/v1/namespaces/a/pods/b/log get
POST /api/v1/namespaces/a/pods create
POST /api/v1/namespaces/a/pods/b/eviction create
PATCH /apis/apps/v1/namespaces/a/deployments/b patch
PATCH /apis/apps/v1/namespaces/a/deployments/b/scale patch
DELETE /apis/apps/v1/namespaces/a/deployments/b delete
DELETE /apis/apps/v1/namespaces/a/deployments deletecollection
DELETE /apis/rbac.authorization.k8s.io/v1/clusterroles/b delete
GET /apis/apps/v1/deployments list
GET /apis/apps/v1 get
GET /apis get
GET /readyz get
GET / get
OPTIONS /api/v1/pods options
`) {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		if got := Verb(httptest.NewRequest(f[0], f[1], nil)); got != f[2] {
			t.Errorf("%s %s is %s, not %s", f[0], f[1], got, f[2])
		}
	}
}
