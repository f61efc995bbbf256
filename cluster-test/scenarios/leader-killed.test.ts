/**
 * Goal: no acknowledged write is lost and no watch event is lost, doubled or out of order when the
 * leader's process, and then all replicas at once, are killed with SIGKILL; writes go on in 2 s.
 * Method: one client creates ConfigMaps with rising numbers, another watches them from the start;
 * what was acknowledged is compared with what the watch delivered and what a list returns.
 */
import { performance } from 'node:perf_hooks';
import t from 'tap';
import { eventually, ProcessCluster } from '../process/process-cluster';

t.setTimeout(180_000);

type Client = typeof import('@kubernetes/client-node');

/** Writes one ConfigMap after the other until stopped, and notes what was acknowledged and when. */
class Writer {
  readonly acknowledged: { readonly name: string; readonly atMs: number }[] = [];
  readonly unknown = new Set<string>();
  #isRunning = true;
  #next = 0;
  readonly #done: Promise<void>;

  constructor(k8s: Client, kubeconfig: string) {
    const config = new k8s.KubeConfig();
    config.loadFromFile(kubeconfig);
    this.#done = this.#run(k8s, config.makeApiClient(k8s.CoreV1Api));
  }

  async #run(k8s: Client, api: InstanceType<Client['CoreV1Api']>): Promise<void> {
    while (this.#isRunning) {
      const name = `w-${String(this.#next++).padStart(6, '0')}`;
      const body = Object.assign(new k8s.V1ConfigMap(), { metadata: { name }, data: { name } });
      try {
        await api.createNamespacedConfigMap({ namespace: 'default', body });
        this.acknowledged.push({ name, atMs: performance.now() });
      } catch {
        // Refused or unknown: never written again, so it may or may not be there.
        this.unknown.add(name);
      }
    }
  }

  async stop(): Promise<void> {
    this.#isRunning = false;
    await this.#done;
  }
}

/** What the observer looks at of an object. */
interface Watched {
  readonly metadata: { readonly name: string; readonly resourceVersion: string };
}

/** Watches all ConfigMaps of `default` on one connection, and again from the last revision. */
class Observer {
  readonly names: string[] = [];
  readonly problems: string[] = [];
  #controller: AbortController | undefined;
  #isRunning = true;
  #resourceVersion: string;
  readonly #done: Promise<void>;

  constructor(k8s: Client, kubeconfig: string, resourceVersion: string) {
    const config = new k8s.KubeConfig();
    config.loadFromFile(kubeconfig);
    this.#resourceVersion = resourceVersion;
    this.#done = this.#run(new k8s.Watch(config));
  }

  async #run(watch: InstanceType<Client['Watch']>): Promise<void> {
    while (this.#isRunning) {
      await new Promise<void>((resolve) => {
        watch
          .watch(
            '/api/v1/namespaces/default/configmaps',
            { resourceVersion: this.#resourceVersion },
            (kind, object) => this.#take(kind, object as Watched),
            () => resolve(),
          )
          .then(
            (controller) => (this.#controller = controller),
            () => resolve(),
          );
      });
      // The server may be restarting: do not spin.
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  #take(kind: string, object: Watched): void {
    const { name, resourceVersion } = object.metadata;
    if (kind !== 'ADDED') this.problems.push(`${kind} ${name}`);
    if (BigInt(resourceVersion) <= BigInt(this.#resourceVersion)) {
      this.problems.push(`${name} at ${resourceVersion} after ${this.#resourceVersion}`);
    }
    this.#resourceVersion = resourceVersion;
    this.names.push(name);
  }

  async stop(): Promise<void> {
    this.#isRunning = false;
    this.#controller?.abort();
    await this.#done;
  }
}

async function judge(
  t: Check,
  k8s: Client,
  cluster: ProcessCluster,
  writer: Writer,
  observer: Observer,
): Promise<void> {
  const config = new k8s.KubeConfig();
  config.loadFromFile(cluster.upFile().kubeconfig);
  const api = config.makeApiClient(k8s.CoreV1Api);
  const list = await api.listNamespacedConfigMap({ namespace: 'default' });
  const present = list.items.map((item) => item.metadata?.name ?? '').filter(isWritten);
  const missing = writer.acknowledged.filter(({ name }) => !present.includes(name));
  t.strictSame(missing, [], 'every acknowledged write is there');
  const invented = present.filter(
    (name) => !writer.unknown.has(name) && !writer.acknowledged.some((w) => w.name === name),
  );
  t.strictSame(invented, [], 'nothing is there that nobody wrote');
  const last = present.at(-1);
  await eventually('the watch has the last write', () =>
    last === undefined || observer.names.includes(last) ? true : undefined,
  );
  t.strictSame(observer.names.filter(isWritten), present, 'each event once and in order');
  t.strictSame(observer.problems, [], 'the watch never goes back');
}

/** The one method of a test that {@link judge} needs. */
interface Check {
  strictSame(found: unknown, wanted: unknown, message: string): unknown;
}

function isWritten(name: string): boolean {
  return name.startsWith('w-');
}

t.test(
  'the leader is killed, then all replicas, while a client writes and one watches',
  async (t) => {
    const cluster = await ProcessCluster.start();
    t.teardown(() => cluster.destroy());
    const k8s = await import('@kubernetes/client-node');
    const { kubeconfig } = cluster.upFile();
    const start = await cluster
      .kubectl()
      .ok(['get', 'cm', '-o', 'jsonpath={.metadata.resourceVersion}']);
    const writer = new Writer(k8s, kubeconfig);
    const observer = new Observer(k8s, kubeconfig, start === '' ? '0' : start);
    t.teardown(() => Promise.all([writer.stop(), observer.stop()]));
    await eventually('writes flow', () => writer.acknowledged.length > 100 || undefined);

    await t.test('SIGKILL of the leader', async (t) => {
      const leader = await cluster.leader();
      const before = writer.acknowledged.length;
      process.kill(leader.pid, 'SIGKILL');
      await eventually('writes go on', () => writer.acknowledged.length > before + 50 || undefined);
      const gaps = writer.acknowledged
        .slice(Math.max(0, before - 1))
        .map(({ atMs }, i, all) => atMs - (all[i - 1]?.atMs ?? atMs));
      t.comment(`longest time without an acknowledged write: ${Math.max(...gaps).toFixed(0)} ms`);
      await eventually('the killed replica is back', async () =>
        (await cluster.status()).every((row) => row.appliedIndex > 0) ? true : undefined,
      );
      t.match(cluster.output, new RegExp(`${leader.name}.*(SIGKILL|restart)`));
    });

    await t.test('SIGKILL of all replicas at once', async (t) => {
      const before = writer.acknowledged.length;
      for (const replica of cluster.replicas()) process.kill(replica.pid, 'SIGKILL');
      await eventually('writes go on', () => writer.acknowledged.length > before + 50 || undefined);
      t.pass('writes went on');
    });

    await writer.stop();
    await judge(t, k8s, cluster, writer, observer);
    await observer.stop();
  },
);
