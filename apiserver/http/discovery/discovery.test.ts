import t from 'tap';
import { readApiFile } from '../../../base/node';
import type { ApiResponse } from '../../machinery/api-handler';
import { builtinResources } from '../../registry';
import { loadBuiltinTypes } from '../../schema';
import { OpenapiEndpoint } from '../openapi-endpoint';
import { versionDocument } from '../version';
import { aggregatedDocument } from './aggregated';
import { DiscoveryEndpoint } from './discovery-endpoint';
import { resourceList, servedGroups } from './legacy';

const types = loadBuiltinTypes({
  resources: JSON.parse(readApiFile('resources.json')) as unknown,
  schemas: () => JSON.parse(readApiFile('schemas.json')) as unknown,
});
const resources = builtinResources(types);
const discovery = new DiscoveryEndpoint(resources);
const openapi = new OpenapiEndpoint(types.openapi, readApiFile);

const aggregated = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
/** What kubectl 1.35 sends. */
const kubectlAccept = `${aggregated},${aggregated.replace('v=v2', 'v=v2beta1')},application/json`;

function discover(path: string, accept = 'application/json', ifNoneMatch?: string): ApiResponse {
  const answer = discovery.answer({ path, accept, ifNoneMatch, serverAddress: '127.0.0.1:6443' });
  if (answer === undefined) throw new Error(`nothing at ${path}`);
  return answer;
}

function json({ body }: ApiResponse): unknown {
  return JSON.parse(new TextDecoder().decode(body as Uint8Array));
}

/** Kind, scope, verbs and names of a resource or subresource, in the words of both documents. */
interface FlatResource {
  readonly name: string;
  readonly kind: string;
  readonly isNamespaced: boolean;
  readonly singular: string;
  readonly verbs: readonly string[];
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
}

interface LegacyResource {
  readonly name: string;
  readonly group?: string;
  readonly version?: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly singularName: string;
  readonly verbs: readonly string[];
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
}

/** What the legacy documents say, one line a resource or subresource. */
function fromLegacy(): readonly FlatResource[] {
  return servedGroups(resources).flatMap(({ name: group, versions }) =>
    versions.flatMap(({ version }) => {
      const list = resourceList(resources, group, version)?.['resources'];
      return (list as unknown as readonly LegacyResource[]).map((each) => ({
        name: `${group}/${version}/${each.name}`,
        kind: `${each.group ?? group}/${each.version ?? version}/${each.kind}`,
        isNamespaced: each.namespaced,
        singular: each.singularName,
        verbs: each.verbs,
        shortNames: each.shortNames ?? [],
        categories: each.categories ?? [],
      }));
    }),
  );
}

interface Kind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

interface AggregatedResource {
  readonly resource: string;
  readonly responseKind: Kind;
  readonly scope: string;
  readonly singularResource: string;
  readonly verbs: readonly string[];
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly subresources?: readonly {
    readonly subresource: string;
    readonly responseKind: Kind;
    readonly verbs: readonly string[];
  }[];
}

interface AggregatedGroup {
  readonly metadata: { readonly name?: string };
  readonly versions: readonly {
    readonly version: string;
    readonly resources: readonly AggregatedResource[];
  }[];
}

/** The same out of the aggregated documents. */
function fromAggregated(): readonly FlatResource[] {
  const items = (['api', 'apis'] as const).flatMap((root) => {
    const { items: groups } = aggregatedDocument(resources, root, 'v2');
    return groups as unknown as readonly AggregatedGroup[];
  });
  return items.flatMap(({ metadata, versions }) =>
    versions.flatMap(({ version, resources: list }) =>
      list.flatMap((each) => flatten(`${metadata.name ?? ''}/${version}`, each)),
    ),
  );
}

function flatten(prefix: string, each: AggregatedResource): readonly FlatResource[] {
  const name = `${prefix}/${each.resource}`;
  const isNamespaced = each.scope === 'Namespaced';
  const parts = (each.subresources ?? []).map((part) => ({
    name: `${name}/${part.subresource}`,
    kind: kindText(part.responseKind),
    isNamespaced,
    singular: '',
    verbs: part.verbs,
    shortNames: [],
    categories: [],
  }));
  const own = {
    name,
    kind: kindText(each.responseKind),
    isNamespaced,
    singular: each.singularResource,
    verbs: each.verbs,
    shortNames: each.shortNames ?? [],
    categories: each.categories ?? [],
  };
  return [own, ...parts];
}

function kindText({ group, version, kind }: Kind): string {
  return `${group}/${version}/${kind}`;
}

t.test('aggregated discovery says what the legacy documents say (K57, K58, T20)', (t) => {
  const legacy = fromLegacy();
  t.ok(legacy.length > 110, `${String(legacy.length)} resources and subresources`);
  t.strictSame(fromAggregated(), legacy);
  t.end();
});

t.test('aggregated discovery: content type, caching headers, 304 (K57, T20)', (t) => {
  for (const path of ['/api', '/apis']) {
    const answer = discover(path, kubectlAccept);
    t.equal(answer.headers['content-type'], aggregated);
    t.equal(answer.headers['cache-control'], 'public');
    t.equal(answer.headers['vary'], 'Accept');
    const etag = String(answer.headers['etag']);
    t.match(etag, /^"[0-9A-F]+"$/);
    t.match(json(answer), { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2' });
    const again = discover(path, kubectlAccept, etag);
    t.equal(again.status, 304);
    t.equal((again.body as Uint8Array).length, 0);
    t.equal(discover(path, kubectlAccept, '"other"').status, 200);
  }
  const beta = discover('/apis', aggregated.replace('v=v2', 'v=v2beta1'));
  t.match(beta.headers['content-type'], /v=v2beta1/);
  t.match(json(beta), { apiVersion: 'apidiscovery.k8s.io/v2beta1' });
  t.equal(discover('/apis', `application/json,${aggregated}`).headers['etag'], undefined);
  t.end();
});

t.test('legacy discovery at each level (K58)', (t) => {
  t.match(json(discover('/api')), { kind: 'APIVersions', versions: ['v1'] });
  const groups = json(discover('/apis')) as { groups: { name: string }[] };
  t.equal(groups.groups.length, 20);
  t.notOk(groups.groups.some((each) => each.name === ''));
  t.match(json(discover('/apis/autoscaling')), {
    kind: 'APIGroup',
    preferredVersion: { groupVersion: 'autoscaling/v2', version: 'v2' },
    versions: [{ version: 'v2' }, { version: 'v1' }],
  });
  const apps = json(discover('/apis/apps/v1')) as { resources: { name: string }[] };
  t.match(apps, { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: 'apps/v1' });
  t.strictSame(
    apps.resources.find((each) => each.name === 'deployments/scale'),
    {
      name: 'deployments/scale',
      singularName: '',
      namespaced: true,
      group: 'autoscaling',
      version: 'v1',
      kind: 'Scale',
      verbs: ['get', 'patch', 'update'],
    },
  );
  for (const path of ['/api/v2', '/apis/nothing', '/apis/apps/v2', '/apis/apps/v1/x', '/other']) {
    const request = { path, accept: undefined, ifNoneMatch: undefined, serverAddress: '' };
    t.equal(discovery.answer(request), undefined, path);
  }
  t.end();
});

t.test('discovery follows the list of resources', (t) => {
  const own = new DiscoveryEndpoint(resources);
  const request = {
    path: '/apis',
    accept: kubectlAccept,
    ifNoneMatch: undefined,
    serverAddress: '',
  };
  const before = own.answer(request);
  own.replaceResources(resources.filter((each) => each.group !== 'apps'));
  const after = own.answer(request);
  t.not(after?.headers['etag'], before?.headers['etag']);
  t.equal(own.answer({ ...request, path: '/apis/apps' }), undefined);
  t.end();
});

interface OpenapiSchema {
  readonly 'x-kubernetes-group-version-kind'?: readonly Kind[];
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly required?: readonly string[];
}

interface OpenapiDocument {
  readonly paths: Readonly<
    Record<
      string,
      {
        readonly patch?: {
          readonly 'x-kubernetes-group-version-kind': Kind;
          readonly parameters: readonly { readonly name: string }[];
        };
      }
    >
  >;
  readonly components: { readonly schemas: Readonly<Record<string, OpenapiSchema>> };
}

function openapiAnswer(path: string, hash: string | null = null): ApiResponse {
  const answer = openapi.answer({ path, hash, ifNoneMatch: undefined });
  if (answer === undefined) throw new Error(`nothing at ${path}`);
  return answer;
}

t.test('every group version has an OpenAPI document with kinds and PATCH parameters (T19)', (t) => {
  const index = json(openapiAnswer('/openapi/v3')) as {
    paths: Record<string, { serverRelativeURL: string }>;
  };
  const versions = servedGroups(resources).flatMap(({ name, versions: list }) =>
    list.map(({ version }) => (name === '' ? `api/${version}` : `apis/${name}/${version}`)),
  );
  t.strictSame(Object.keys(index.paths).sort(), [...versions].sort());
  for (const path of versions) {
    const url = new URL(index.paths[path]?.serverRelativeURL ?? '', 'http://x');
    const answer = openapiAnswer(url.pathname, url.searchParams.get('hash'));
    const document = json(answer) as OpenapiDocument;
    const names = Object.keys(document.components.schemas);
    const text = JSON.stringify(document);
    const missing = [...text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)]
      .map((match) => match[1] ?? '')
      .filter((name) => !names.includes(name));
    t.strictSame(missing, [], `${path}: every reference resolves`);
    const own = resources.filter((each) => {
      return (
        (each.group === '' ? `api/${each.version}` : `apis/${each.group}/${each.version}`) === path
      );
    });
    for (const { group, version, kind, resource, isNamespaced, verbs } of own) {
      const schemas = Object.values(document.components.schemas);
      const gvk = { group, version, kind };
      const isOfKind = (each: OpenapiSchema): boolean =>
        each['x-kubernetes-group-version-kind']?.some((one) => sameKind(one, gvk)) === true;
      t.equal(schemas.filter(isOfKind).length, 1, `${path}: one schema of ${kind}`);
      if (!verbs.includes('patch')) continue;
      const item = `/${path}${isNamespaced ? '/namespaces/{namespace}' : ''}/${resource}/{name}`;
      const patch = document.paths[item]?.patch;
      t.ok(patch && sameKind(patch['x-kubernetes-group-version-kind'], gvk), item);
      const parameters = patch?.parameters.map((each) => each.name) ?? [];
      t.ok(parameters.includes('fieldValidation') && parameters.includes('dryRun'), item);
    }
  }
  t.end();
});

function sameKind(a: Kind, b: Kind): boolean {
  return kindText(a) === kindText(b);
}

t.test('OpenAPI schemas carry patch keys, list types and texts (K60)', (t) => {
  const { components } = json(openapiAnswer('/openapi/v3/api/v1')) as OpenapiDocument;
  const podSpec = components.schemas['io.k8s.api.core.v1.PodSpec'];
  t.match(podSpec?.properties?.['containers'], {
    type: 'array',
    description: /containers belonging to the pod/,
    'x-kubernetes-list-map-keys': ['name'],
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-patch-merge-key': 'name',
    'x-kubernetes-patch-strategy': 'merge',
  });
  t.strictSame(podSpec?.required, ['containers']);
  t.match(podSpec?.properties?.['resourceClaims'], { 'x-kubernetes-patch-merge-key': 'name' });
  const port = components.schemas['io.k8s.apimachinery.pkg.util.intstr.IntOrString'];
  t.match(port, { format: 'int-or-string', oneOf: [{ type: 'integer' }, { type: 'string' }] });
  // Fields that came after the release of the swagger are there too.
  t.ok(components.schemas['io.k8s.api.core.v1.Container']?.properties?.['restartPolicyRules']);
  t.end();
});

t.test('OpenAPI by digest: for a year, or redirected from a stale one (K60)', (t) => {
  const { hash } = types.openapi.find((each) => each.path === 'apis/apps/v1') ?? { hash: '' };
  const path = '/openapi/v3/apis/apps/v1';
  t.match(openapiAnswer(path, hash).headers['cache-control'], /public, immutable/);
  t.notMatch(openapiAnswer(path).headers['cache-control'], /public/);
  const stale = openapiAnswer(path, 'STALE');
  t.equal(stale.status, 301);
  t.equal(stale.headers['location'], `${path}?hash=${hash}`);
  const same = openapi.answer({ path, hash, ifNoneMatch: `"${hash}"` });
  t.equal(same?.status, 304);
  t.equal(openapi.answer({ path: '/openapi/v2', hash: null, ifNoneMatch: undefined }), undefined);
  t.equal(openapi.answer({ path: '/openapi/v3/x', hash: null, ifNoneMatch: undefined }), undefined);
  t.end();
});

t.test('/version is what Helm and kubectl parse (K62)', (t) => {
  const document = versionDocument('1.36');
  t.match(document, { major: '1', minor: '36', gitVersion: 'v1.36.0+keelson' });
  for (const value of Object.values(document)) t.type(value, 'string');
  t.end();
});
