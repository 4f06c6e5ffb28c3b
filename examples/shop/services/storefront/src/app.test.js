import assert from 'node:assert/strict';
import { test } from 'node:test';
import { respond } from './app.js';

test('pages and health', () => {
  assert.equal(respond('/').status, 200);
  assert.equal(respond('/healthz').body, 'alive');
  assert.equal(respond('/readyz').body, 'ready');
  assert.equal(respond('/nowhere').status, 404);
});
