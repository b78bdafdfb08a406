import { Module } from '@nestjs/common';
import { SwarmModule } from 'nestjs-swarm';
import { DevicesModule } from './devices/devices.module.js';

@Module({
  imports: [
    // `forRoot()` alone would do: the processes of an application on one machine find each other. Here the swarm is
    // given a name, and each node the one that the demo chose for it (if any).
    SwarmModule.forRoot({ cluster: 'device-fleet', node: { name: process.env['FLEET_NODE'] } }),
    DevicesModule,
  ],
})
export class AppModule {}
