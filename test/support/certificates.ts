// Certificates for tests, by the openssl of the machine.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/** An authority of its own, and certificates that it has signed. */
export class Authority {
  private readonly folder = mkdtempSync(join(tmpdir(), 'nestjs-swarm-certificates-'));
  private count = 0;
  /** What those give to `ca` who trust it. */
  readonly cert: string;

  constructor(name = 'test authority') {
    const subject = ['-subj', `/CN=${name}`];
    this.openssl('req', '-x509', ...NEW_KEY, '-keyout', 'ca.key', '-out', 'ca.crt', '-days', '2', ...subject);
    this.cert = this.read('ca.crt');
  }

  /** For a name and addresses, as `DNS:swarm.test` and `IP:127.0.0.1`. */
  issue(...subjects: readonly string[]): Certificate {
    const file = `c${++this.count}`;
    writeFileSync(join(this.folder, `${file}.ext`), `subjectAltName=${subjects.join(',')}\n`);
    this.openssl('req', ...NEW_KEY, '-keyout', `${file}.key`, '-out', `${file}.csr`, '-subj', '/CN=node');
    const signed = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2'];
    this.openssl(
      'x509',
      '-req',
      '-in',
      `${file}.csr`,
      ...signed,
      '-extfile',
      `${file}.ext`,
      '-out',
      `${file}.crt`,
    );
    return { key: this.read(`${file}.key`), cert: this.read(`${file}.crt`) };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private openssl(...args: readonly string[]): void {
    execFileSync('openssl', args, { cwd: this.folder, stdio: ['ignore', 'ignore', 'pipe'] });
  }

  private read(file: string): string {
    return readFileSync(join(this.folder, file), 'utf8');
  }
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
