// The storefront's routes, apart from the socket so that they can be tested.
export function respond(path) {
  switch (path) {
    case '/healthz':
      return { status: 200, body: 'alive' };
    case '/readyz':
      return { status: 200, body: 'ready' };
    case '/':
      return { status: 200, body: '<!doctype html><title>shop</title><h1>Welcome</h1>' };
    default:
      return { status: 404, body: 'not found' };
  }
}
