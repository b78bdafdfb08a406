import { Controller, Get } from '@nestjs/common';
import { SwarmCluster } from 'nestjs-swarm';
import { ReadingsService } from './readings.service.js';

/** What this process alone knows, without asking the swarm: so the demo can check what the registry says. */
@Controller('readings')
export class ReadingsController {
  constructor(
    private readonly readings: ReadingsService,
    private readonly cluster: SwarmCluster,
  ) {}

  @Get()
  here(): { node: string; nodes: number; readings: Record<string, number> } {
    return {
      node: this.cluster.self.id,
      nodes: this.cluster.nodes().filter(({ status }) => status === 'up').length,
      readings: this.readings.counts(),
    };
  }
}
