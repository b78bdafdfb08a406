// The callers: constant load over HTTP, through a balancer that knows which pods take requests.
import { Agent, request } from 'node:http';
import { IDLE_MS } from '../../01-device-fleet/demo/http.mjs';

/** Calls are due by the clock; this often what is due is sent. */
const TICK_MS = 5;
/** Longer than the swarm takes for any answer, so that its own error is seen. */
const TIMEOUT_MS = 15_000;
/** Failures that are kept with their text. */
const FAILURES_KEPT = 5;

/** As many connections as it takes: a request that waits here for a free one is none that the pods are slow with. */
const agent = new Agent({ keepAlive: true, timeout: IDLE_MS });

export class Load {
  #names;
  #perSecond;
  #pods;
  #timer;
  #began = 0;
  #calls = 0;
  #failed = 0;
  #worstMs = 0;
  /** Requests that wait for their answer, by pod. */
  #underWay = new Map();
  #lap = { calls: 0, failed: 0, worstMs: 0 };
  /** Answered calls, by name. */
  acknowledged = new Map();
  failures = [];

  constructor(names, pods, perSecond) {
    this.#names = names;
    this.#pods = [...pods];
    this.#perSecond = perSecond;
    for (const name of names) this.acknowledged.set(name, 0);
  }

  start() {
    this.#began = performance.now();
    this.#timer = setInterval(() => this.#sendDue(), TICK_MS);
  }

  /** From now on the pod takes requests. */
  enlist(pod) {
    this.#pods.push(pod);
  }

  /** No new requests for this pod; resolves when those under way have been answered. */
  async delist(pod) {
    this.#pods = this.#pods.filter(({ name }) => name !== pod.name);
    await Promise.allSettled(this.#underWay.get(pod.name) ?? []);
  }

  /** `{ calls, failed, worstMs }` since the last lap, or the start. */
  lap() {
    const { calls, failed, worstMs } = this.#lap;
    this.#lap = { calls: this.#calls, failed: this.#failed, worstMs: 0 };
    return { calls: this.#calls - calls, failed: this.#failed - failed, worstMs };
  }

  /** Sends no more; resolves with `{ calls, failed, perSecond, worstMs }` of all laps when every call has ended. */
  async stop() {
    clearInterval(this.#timer);
    const seconds = (performance.now() - this.#began) / 1_000;
    for (const requests of this.#underWay.values()) await Promise.allSettled(requests);
    const calls = this.#calls;
    return { calls, failed: this.#failed, perSecond: calls / seconds, worstMs: this.#worstMs };
  }

  #sendDue() {
    const due = Math.floor(((performance.now() - this.#began) * this.#perSecond) / 1_000);
    while (this.#calls < due) this.#send();
  }

  #send() {
    const number = this.#calls++;
    const name = this.#names[number % this.#names.length];
    const pod = this.#pods[number % this.#pods.length];
    const underWay = this.#underWay.get(pod.name) ?? new Set();
    this.#underWay.set(pod.name, underWay);
    const call = this.#call(name, pod).finally(() => underWay.delete(call));
    underWay.add(call);
  }

  async #call(name, pod) {
    const began = performance.now();
    try {
      await add(pod, name);
      this.acknowledged.set(name, this.acknowledged.get(name) + 1);
    } catch (error) {
      this.#fail(name, pod, error.message);
    }
    const ms = performance.now() - began;
    this.#worstMs = Math.max(this.#worstMs, ms);
    this.#lap.worstMs = Math.max(this.#lap.worstMs, ms);
  }

  #fail(name, pod, what) {
    this.#failed++;
    if (this.failures.length < FAILURES_KEPT) this.failures.push(`${name} through ${pod.name}: ${what}`);
  }
}

/** Adds 1 to a counter. @throws Error unless that was answered as done */
function add(pod, name) {
  return new Promise((resolve, reject) => {
    const body = JSON.stringify({ value: 1 });
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const options = { method: 'POST', agent, headers, timeout: TIMEOUT_MS };
    const sent = request(`${pod.url}/counters/${name}/add`, options, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk) => (text += chunk));
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode === 201) resolve();
        else reject(new Error(`${response.statusCode} ${text}`));
      });
    });
    sent.on('timeout', () => sent.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)));
    sent.on('error', reject);
    sent.end(body);
  });
}
