import t from 'tap';
import { isPretty, negotiate, PLAIN } from './negotiate';
import { isLongRunning, requestInfoOf } from './request-info';
import { Warnings } from './warnings';

const infoOf = (method: string, url: string): ReturnType<typeof requestInfoOf> => {
  const [path = '', query = ''] = url.split('?');
  return requestInfoOf({ method, path, query: new URLSearchParams(query) });
};

t.test('a path and a method say what a request is about (K26, K27)', (t) => {
  const table: readonly [string, string, string][] = [
    // method, URL, verb group/version ns resource/subresource name
    ['GET', '/api/v1/pods', 'list  v1  pods/ '],
    ['GET', '//api/v1/namespaces/a/pods/', 'list  v1 a pods/ '],
    ['HEAD', '/api/v1/namespaces/a/pods/p', 'get  v1 a pods/ p'],
    ['GET', '/api/v1/namespaces/a/pods/p/log', 'get  v1 a pods/log p'],
    ['GET', '/api/v1/namespaces/a', 'get  v1 a namespaces/ a'],
    ['PUT', '/api/v1/namespaces/a/finalize', 'update  v1 a namespaces/finalize a'],
    ['GET', '/api/v1/namespaces', 'list  v1  namespaces/ '],
    ['POST', '/apis/apps/v1/namespaces/a/deployments', 'create apps v1 a deployments/ '],
    ['GET', '/api/v1/pods?watch', 'watch  v1  pods/ '],
    ['GET', '/api/v1/pods?watch=1', 'watch  v1  pods/ '],
    ['GET', '/api/v1/pods?watch=0', 'list  v1  pods/ '],
    ['GET', '/api/v1/pods?watch=false', 'list  v1  pods/ '],
    ['GET', '/api/v1/watch/namespaces/a/pods/p', 'watch  v1 a pods/ p'],
    ['DELETE', '/api/v1/namespaces/a/pods', 'deletecollection  v1 a pods/ '],
    ['GET', '/api/v1/pods?fieldSelector=metadata.name%3Dp', 'list  v1  pods/ p'],
    [
      'GET',
      '/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Acoredns',
      'get rbac.authorization.k8s.io v1  clusterroles/ system:coredns',
    ],
  ];
  for (const [method, url, expected] of table) {
    const info = infoOf(method, url);
    if (info.kind !== 'resource') {
      t.fail(`${url} is a resource request`);
      continue;
    }
    const { verb, group, version, namespace, resource, subresource, name } = info;
    t.equal(
      `${verb} ${group} ${version} ${namespace} ${resource}/${subresource} ${name}`,
      expected,
      `${method} ${url}`,
    );
  }
  for (const url of ['/', '/api', '/api/v1', '/apis/apps/v1', '/version', '/healthz/ping']) {
    t.match(infoOf('GET', url), { kind: 'nonResource', verb: 'get', path: url });
  }
  t.ok(isLongRunning(infoOf('GET', '/api/v1/pods?watch=1')));
  t.ok(isLongRunning(infoOf('GET', '/api/v1/namespaces/a/pods/p/log')));
  t.notOk(isLongRunning(infoOf('GET', '/api/v1/pods')));
  t.end();
});

t.test('the first clause of Accept that can be served wins, in any order (K29, T27)', (t) => {
  const servable = { table: true, partial: 'PartialObjectMetadata', yaml: true } as const;
  const table = 'application/json;as=Table;v=v1;g=meta.k8s.io';
  const beta = 'application/json;as=Table;v=v1beta1;g=meta.k8s.io';
  const partial = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
  const cases: readonly [string | undefined, string | undefined][] = [
    [undefined, 'application/json object'],
    ['*/*', 'application/json object'],
    ['application/vnd.kubernetes.protobuf, */*', 'application/json object'],
    [
      'application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io, ' + table,
      'application/json table',
    ],
    [`${table},${beta},application/json`, 'application/json table'],
    [`*/*,${table}`, 'application/json table'],
    [partial, 'application/json partial'],
    ['application/yaml', 'application/yaml object'],
    ['application/json;q=0.5,application/yaml', 'application/yaml object'],
    ['application/json; charset="utf-8"', 'application/json object'],
    ['application/json;as=Nonsense;g=meta.k8s.io;v=v1', undefined],
    ['text/html', undefined],
  ];
  for (const [accept, expected] of cases) {
    const found = negotiate(accept, servable);
    const text = found === undefined ? undefined : `${found.mediaType} ${found.form.kind}`;
    t.equal(text, expected, String(accept));
  }
  t.equal(negotiate(table, PLAIN), undefined, 'what cannot be a table is not made one');
  t.end();
});

t.test('answers are indented when asked for, or for people (K38)', (t) => {
  t.ok(isPretty(new URLSearchParams('pretty=true'), undefined));
  t.notOk(isPretty(new URLSearchParams('pretty=false'), 'curl/8.0'));
  t.ok(isPretty(new URLSearchParams(), 'curl/8.0'));
  t.notOk(isPretty(new URLSearchParams(), 'kubectl/v1.35.0'));
  t.end();
});

t.test('warnings are escaped, not repeated, and bounded (K38)', (t) => {
  const warnings = new Warnings(60);
  warnings.add('unknown field "spec.zz"');
  warnings.add('unknown field "spec.zz"');
  warnings.add('a'.repeat(100));
  warnings.add('line\nbreak');
  t.same(warnings.headers(), ['299 - "unknown field \\"spec.zz\\""', '299 - "line break"']);
  t.end();
});
