import {
  Body,
  Controller,
  Delete,
  Get,
  NotFoundException,
  Param,
  ParseFloatPipe,
  Post,
  Query,
} from '@nestjs/common';
import { SwarmRegistry, type WorkerRef } from 'nestjs-swarm';
import { type DeviceState, DeviceWorker } from './device.worker.js';

/** The devices that match, and how many of them each node hosts. */
interface DeviceList {
  readonly count: number;
  readonly byNode: Readonly<Record<string, number>>;
  readonly devices: readonly WorkerRef<DeviceWorker>[];
}

/**
 * The same on every node, wherever a device runs. What goes wrong in the swarm is thrown as an error that carries its
 * HTTP status: nothing is caught here.
 */
@Controller('devices')
export class DevicesController {
  constructor(private readonly swarm: SwarmRegistry) {}

  /** 409 if the id is taken, 400 if it is no name. */
  @Post()
  register(@Body('id') id: string, @Body('model') model = 'unknown'): Promise<WorkerRef<DeviceWorker>> {
    return this.swarm.register(id, DeviceWorker, { model });
  }

  /** 404 if there is no such device, as with every other route that names one. */
  @Post(':id/readings')
  async record(
    @Param('id') id: string,
    @Body('value', ParseFloatPipe) value: number,
  ): Promise<{ total: number }> {
    return { total: await this.swarm.call<number>(id, 'record', value) };
  }

  @Get(':id')
  state(@Param('id') id: string): Promise<DeviceState> {
    return this.swarm.call<DeviceState>(id, 'state');
  }

  @Delete(':id')
  async unregister(@Param('id') id: string): Promise<void> {
    if (!(await this.swarm.unregister(id))) throw new NotFoundException(`no device is registered as "${id}"`);
  }

  /** `?node=` lists the devices of one node only. */
  @Get()
  list(@Query('node') node?: string): DeviceList {
    const devices = [...this.swarm.registered({ type: DeviceWorker, ...(node !== undefined && { node }) })];
    const byNode: Record<string, number> = {};
    for (const { node: host } of devices) if (host !== undefined) byNode[host] = (byNode[host] ?? 0) + 1;
    return { count: devices.length, byNode, devices };
  }
}
