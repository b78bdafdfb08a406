// HTTP requests on connections that are kept, many at a time.
import { Agent, request as httpRequest } from 'node:http';

/** Less than the 5 s after which Nest closes an idle connection: no request may meet one that is being closed. */
export const IDLE_MS = 2_000;

const agent = new Agent({ keepAlive: true, timeout: IDLE_MS, maxSockets: 32 });
/** Longer than the swarm takes for any answer, so that its own error is seen. */
const TIMEOUT_MS = 15_000;

/** @returns `{ status, body }` */
export function request(method, url, data) {
  return new Promise((resolve, reject) => {
    const body = data === undefined ? undefined : JSON.stringify(data);
    const headers = body && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const sent = httpRequest(url, { method, agent, headers, timeout: TIMEOUT_MS }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk) => (text += chunk));
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode, body: parsed(text) }));
    });
    sent.on('timeout', () => sent.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)));
    sent.on('error', reject);
    sent.end(body);
  });
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** As `request`; any other answer than 2xx is an error. */
export async function demand(method, url, data) {
  const { status, body } = await request(method, url, data);
  if (status < 200 || status > 299) {
    throw new Error(`${method} ${url} answered ${status}: ${body?.message ?? 'nothing'}`);
  }
  return body;
}

/** Works on all items, so many at a time. */
export async function forEach(items, atOnce, work) {
  const left = items.entries();
  const workers = Array.from({ length: atOnce }, async () => {
    for (const [index, item] of left) await work(item, index);
  });
  await Promise.all(workers);
}
