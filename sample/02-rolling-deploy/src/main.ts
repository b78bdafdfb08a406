import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';

const app = await NestFactory.create(AppModule, { logger: ['error', 'warn', 'log'] });
// With this SIGTERM closes the application, and an application that closes hands its workers off before all else.
app.enableShutdownHooks();
// Port 0: any free one, so that several processes can run on one machine.
await app.listen(Number(process.env['PORT'] ?? 0), '127.0.0.1');
const url = await app.getUrl();
console.log(`Rolling deploy: ${url}`);

// Started by another process (the demo): tells it the URL, and does not outlive it.
process.send?.({ url });
process.once('disconnect', () => void app.close());
