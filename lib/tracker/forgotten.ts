// Decides which registrations have ended for good, so that a node that was away cannot bring a name back.

/** How many ended registrations are remembered. */
const FORGOTTEN_LIMIT = 65_536;

export class Forgotten {
  private readonly registrations = new Set<string>();
  /** In the order of their ends; the place of the oldest is written over by the newest. */
  private readonly order: string[] = [];
  private next = 0;

  has(registration: string): boolean {
    return this.registrations.has(registration);
  }

  add(registration: string): void {
    if (this.registrations.has(registration)) return;
    const oldest = this.order[this.next];
    if (oldest !== undefined) this.registrations.delete(oldest);
    this.registrations.add(registration);
    this.order[this.next] = registration;
    this.next = (this.next + 1) % FORGOTTEN_LIMIT;
  }
}
