import { Module } from '@nestjs/common';
import { CounterWorker } from './counter.worker.js';
import { CountersController } from './counters.controller.js';

@Module({ controllers: [CountersController], providers: [CounterWorker] })
export class CountersModule {}
