// A process in a namespace that tries what the network lets through. `listen <address> <port>` prints what it hears,
// and answers nothing; `connect <address> <port> <ms>` prints how that ended; `say <address> <port>` sends each line of
// its input on one connection.
import { connect, createServer } from 'node:net';

const [mode, host, port, ms] = process.argv.slice(2);
const print = (line) => process.stdout.write(`${line}\n`);
process.once('disconnect', () => process.exit(1));

if (mode === 'listen') {
  createServer((socket) => socket.on('data', (data) => print(String(data).trim())))
    .listen(Number(port), host)
    .once('listening', () => print('listening'));
} else {
  const socket = connect(Number(port), host);
  socket.once('error', ({ code }) => {
    print(code);
    process.exit();
  });
  socket.once('connect', () => print('connected'));
  if (mode === 'say') {
    process.stdin.pipe(socket);
  } else {
    socket.once('connect', () => process.exit());
    setTimeout(() => {
      print('silence');
      process.exit();
    }, Number(ms));
  }
}
