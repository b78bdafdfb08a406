import { Injectable } from '@nestjs/common';

/** Keeps the readings of the devices that run in this process, and of no others. Stands for a real store. */
@Injectable()
export class ReadingsService {
  private readonly values = new Map<string, number[]>();

  /** A device has started in this process. */
  open(device: string): void {
    this.values.set(device, []);
  }

  save(device: string, value: number): void {
    this.values.get(device)?.push(value);
  }

  /** A device has ended in this process. */
  close(device: string): void {
    this.values.delete(device);
  }

  /** How many readings are kept, by device. */
  counts(): Record<string, number> {
    return Object.fromEntries([...this.values].map(([device, values]) => [device, values.length]));
  }
}
