import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import { OnHandoff, type OnWorkerStart, SwarmContext, SwarmWorker, WorkerContext } from 'nestjs-swarm';
import { ReadingsService } from '../readings/readings.service.js';

/** What a device is registered with; every node keeps it, to start the device again when its node dies. */
export interface DeviceArgs {
  readonly model: string;
}

/** What a device tells of itself. */
export interface DeviceState extends DeviceArgs {
  readonly id: string;
  readonly total: number;
  readonly readings: number;
  readonly node: string;
  readonly fence: number;
}

/** One device of the fleet: the swarm runs one of these per registered id, on one node. Its totals are in memory. */
@SwarmWorker()
export class DeviceWorker implements OnWorkerStart<DeviceArgs> {
  private id = '';
  private model = '';
  private total = 0;
  private readings = 0;

  constructor(private readonly store: ReadingsService) {}

  onWorkerStart({ name }: WorkerContext, { model }: DeviceArgs): void {
    this.id = name;
    this.model = model;
    this.store.open(name);
  }

  /** Adds a reading and answers the new total. One message is handled at a time: no lock is needed. */
  @MessagePattern('record')
  record(@Payload() value: number): number {
    this.store.save(this.id, value);
    this.readings += 1;
    return (this.total += value);
  }

  @MessagePattern('state')
  state(@Ctx() { worker }: SwarmContext): DeviceState {
    const { id, model, total, readings } = this;
    return { id, model, total, readings, node: worker.node, fence: worker.fence };
  }

  @OnHandoff('die')
  close(): void {
    this.store.close(this.id);
  }
}
