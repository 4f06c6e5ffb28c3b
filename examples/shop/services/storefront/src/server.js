import { createServer } from 'node:http';
import { respond } from './app.js';

const server = createServer((request, response) => {
  const { status, body } = respond(new URL(request.url, 'http://localhost').pathname);
  response.writeHead(status);
  response.end(body);
  console.log(JSON.stringify({ level: 'info', path: request.url, status, traceparent: request.headers.traceparent }));
});

server.listen(8080);
process.on('SIGTERM', () => server.close());
