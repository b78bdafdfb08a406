import { Module } from '@nestjs/common';
import { ReadingsModule } from '../readings/readings.module.js';
import { DeviceWorker } from './device.worker.js';
import { DevicesController } from './devices.controller.js';

@Module({
  imports: [ReadingsModule],
  controllers: [DevicesController],
  // A worker is listed in the providers of the module whose services it injects.
  providers: [DeviceWorker],
})
export class DevicesModule {}
