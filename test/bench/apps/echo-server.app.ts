import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { serve } from './serve.js';

/** Bytes back as they come: the least that two processes can do for each other over TCP. */
const server = createServer({ noDelay: true }, (socket) => {
  socket.on('data', (chunk) => socket.write(chunk));
  socket.on('error', () => undefined);
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
serve(String((server.address() as AddressInfo).port), {});
