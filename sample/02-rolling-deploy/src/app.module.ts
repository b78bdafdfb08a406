import { Module } from '@nestjs/common';
import { SwarmModule } from 'nestjs-swarm';
import { CountersModule } from './counters/counters.module.js';

@Module({
  imports: [
    // Nothing here is about deploys: a process that gets SIGTERM hands its workers to the others.
    SwarmModule.forRoot({ cluster: 'rolling-deploy', node: { name: process.env['POD_NAME'] } }),
    CountersModule,
  ],
})
export class AppModule {}
