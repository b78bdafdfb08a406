import { once } from 'node:events';
import { connect } from 'node:net';
import { serve } from './serve.js';

const socket = connect({ port: Number(process.env['PORT']), host: '127.0.0.1', noDelay: true });
await once(socket, 'connect');

/** Round trips per second with `width` messages in flight, each written by itself. */
function echoRate(bytes: number, width: number, forMs: number): Promise<number> {
  const message = Buffer.alloc(bytes, 'x');
  return new Promise((resolve) => {
    let done = 0;
    let open = width;
    let received = 0;
    const began = performance.now();
    const until = began + forMs;
    const onData = (chunk: Buffer): void => {
      for (received += chunk.length; received >= bytes; received -= bytes) {
        done++;
        if (performance.now() < until) socket.write(message);
        else open--;
      }
      if (open > 0) return;
      socket.off('data', onData);
      resolve((done / (performance.now() - began)) * 1000);
    };
    socket.on('data', onData);
    for (let index = 0; index < width; index++) socket.write(message);
  });
}

serve('', { echoRate });
