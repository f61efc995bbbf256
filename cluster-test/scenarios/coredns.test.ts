/**
 * Goal: what people do with a cluster's CoreDNS works with real clients, and lands under the keys
 * that a real cluster's store has (K76, K77).
 * Method: a built cluster of three replicas, driven by kubectl and by @kubernetes/client-node.
 */
import { createInterface } from 'node:readline';
import t from 'tap';
import { eventually, ProcessCluster } from '../process/process-cluster';
import { COREDNS_KEYS, corednsManifests, POD_NAMES } from './coredns-manifests';

t.setTimeout(180_000);

const NAMESPACED = ['-n', 'kube-system'];
const LABELLED = ['-l', 'k8s-app=kube-dns'];

t.test('CoreDNS by kubectl and by client-node', async (t) => {
  const cluster = await ProcessCluster.start();
  t.teardown(() => cluster.destroy());
  const kubectl = cluster.kubectl();

  await t.test('kubectl applies the resources; the keys are those of a real cluster', async (t) => {
    const printed = await kubectl.ok(['apply', '-f', '-'], corednsManifests());
    t.equal(printed.trim().split('\n').length, 13, printed);
    t.match(printed, /deployment\.apps\/coredns created/);
    const listed = await cluster.kv('list', '--prefix', '/registry', '--keys-only');
    const keys = listed.stdout.trim().split('\n');
    t.strictSame(
      keys.filter((key) => key.includes('coredns')),
      COREDNS_KEYS,
    );
    t.ok(keys.includes('/registry/services/specs/kube-system/kube-dns'));
  });

  await t.test('applying the same again changes nothing', async (t) => {
    const printed = await kubectl.ok(['apply', '-f', '-'], corednsManifests());
    t.notMatch(printed, /created/);
    t.match(printed, /deployment\.apps\/coredns unchanged/);
  });

  await t.test('each is got by name', async (t) => {
    for (const name of [
      ...['serviceaccount/coredns', 'configmap/coredns', 'secret/coredns-token-hpqbt'],
      ...['service/kube-dns', 'deployment/coredns', 'replicaset/coredns-7fcc6d65dc'],
      ...['clusterrole/system:coredns', 'clusterrolebinding/system:coredns'],
      ...POD_NAMES.map((pod) => `pod/${pod}`),
    ]) {
      const printed = await kubectl.ok(['get', ...NAMESPACED, name, '-o', 'name']);
      t.match(printed.trim(), new RegExp(`/${name.split('/')[1] ?? ''}$`), name);
    }
  });

  await t.test('lists by namespace and by label', async (t) => {
    const all = await kubectl.ok(['get', 'pods,events,services', ...NAMESPACED, '-o', 'name']);
    t.equal(all.trim().split('\n').length, 6, all);
    const pods = await kubectl.ok(['get', 'pods', ...NAMESPACED, ...LABELLED, '-o', 'name']);
    t.strictSame(
      pods.trim().split('\n'),
      POD_NAMES.map((name) => `pod/${name}`),
    );
    const table = await kubectl.ok(['get', 'pods', ...NAMESPACED, ...LABELLED]);
    t.match(table.split('\n')[0], /^NAME +READY +STATUS +RESTARTS +AGE$/);
    const none = await kubectl.run(['get', 'pods', ...NAMESPACED, '-l', 'k8s-app=other']);
    t.match(none.stderr, /No resources found/);
  });

  await t.test('a watch by label sees a pod that gains and loses the label', async (t) => {
    const watch = kubectl.start([
      ...['get', 'pods', ...NAMESPACED, ...LABELLED, '-w', '--output-watch-events', '--no-headers'],
    ]);
    t.teardown(() => watch.kill());
    const lines: string[] = [];
    createInterface({ input: watch.stdout! }).on('line', (line) =>
      lines.push(line.split(/ +/).slice(0, 2).join(' ')),
    );
    await eventually('the three pods are shown', () => lines.length >= 3 || undefined);
    const pod = POD_NAMES[0]!;
    await kubectl.ok(['label', 'pod', pod, ...NAMESPACED, '--overwrite', 'k8s-app=other']);
    await kubectl.ok(['label', 'pod', pod, ...NAMESPACED, '--overwrite', 'k8s-app=kube-dns']);
    await eventually('both changes are shown', () => lines.length >= 5 || undefined);
    t.strictSame(lines.slice(3), [`DELETED ${pod}`, `ADDED ${pod}`]);
  });

  await t.test('an informer of client-node sees every change once', async (t) => {
    const k8s = await import('@kubernetes/client-node');
    const config = new k8s.KubeConfig();
    config.loadFromFile(cluster.upFile().kubeconfig);
    const api = config.makeApiClient(k8s.CoreV1Api);
    const seen: string[] = [];
    const selector = 'k8s-app=kube-dns';
    const informer = k8s.makeInformer(
      config,
      '/api/v1/namespaces/kube-system/pods',
      () => api.listNamespacedPod({ namespace: 'kube-system', labelSelector: selector }),
      selector,
    );
    for (const kind of ['add', 'update', 'delete'] as const) {
      informer.on(kind, (pod) => seen.push(`${kind} ${pod.metadata?.name ?? ''}`));
    }
    informer.on('error', (error: unknown) => seen.push(`error ${String(error)}`));
    await informer.start();
    t.teardown(() => informer.stop());
    await eventually('the informer has its pods', () => seen.length >= 3 || undefined);
    const [first, second, third] = POD_NAMES as [string, string, string];
    await kubectl.ok(['annotate', 'pod', second, ...NAMESPACED, 'note=1']);
    await kubectl.ok(['annotate', 'pod', second, ...NAMESPACED, '--overwrite', 'note=2']);
    await kubectl.ok(['delete', 'pod', third, ...NAMESPACED, '--grace-period=0', '--force']);
    await eventually('the deletion arrives', () => seen.includes(`delete ${third}`) || undefined);
    t.strictSame(
      seen.filter((line) => !line.startsWith('error')),
      [
        ...[first, second, third].map((name) => `add ${name}`),
        `update ${second}`,
        `update ${second}`,
        `delete ${third}`,
      ],
    );
  });

  await t.test('kubectl deletes them, and the keys are gone', async (t) => {
    await kubectl.ok(['delete', '-f', '-', '--ignore-not-found', '--force'], corednsManifests());
    const listed = await cluster.kv('list', '--prefix', '/registry', '--keys-only');
    t.strictSame(
      listed.stdout.split('\n').filter((key) => /coredns|kube-dns/.test(key)),
      [],
    );
  });
});
