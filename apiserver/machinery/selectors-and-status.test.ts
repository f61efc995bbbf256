/** Selectors (K24) and Status errors (K39), text by text. */
import t from 'tap';
import { labelsSatisfy, parseLabelSelector } from './label-selector';
import { exactName, parseFieldSelector, pathField, selectableFieldsOf } from './field-selector';
import type { KubernetesObject } from './object';
import {
  alreadyExists,
  conflict,
  expired,
  forbidden,
  forbiddenWithCauses,
  generatedNameTaken,
  internalError,
  invalid,
  isApiError,
  methodNotAllowed,
  notAcceptable,
  notFound,
  notImplemented,
  objectModified,
  requestEntityTooLarge,
  resourceNotServed,
  resourceVersionTooLarge,
  serviceUnavailable,
  timeout,
  tooManyRequests,
  unauthorized,
  unsupportedMediaType,
  type ApiError,
} from './status';

function failureOf(run: () => unknown): ApiError {
  try {
    run();
  } catch (error) {
    if (isApiError(error)) return error;
    throw error;
  }
  throw new Error('Cannot find the expected failure: received a result');
}

t.test('K24: label selectors parse to requirements', (t) => {
  const cases: Readonly<Record<string, unknown>> = {
    '': [],
    'a=b': [['a', 'in', ['b']]],
    ' a == b ': [['a', 'in', ['b']]],
    'a=': [['a', 'in', ['']]],
    'a!=b,c': [
      ['a', 'notIn', ['b']],
      ['c', 'exists', []],
    ],
    'a in (y, x)': [['a', 'in', ['x', 'y']]],
    'a in (,x)': [['a', 'in', ['', 'x']]],
    'a notin (x,)': [['a', 'notIn', ['', 'x']]],
    '!a, b': [
      ['a', 'doesNotExist', []],
      ['b', 'exists', []],
    ],
    'in in (in,notin)': [['in', 'in', ['in', 'notin']]],
    'a>5,b<-1': [
      ['a', 'greaterThan', ['5']],
      ['b', 'lessThan', ['-1']],
    ],
    'app.kubernetes.io/name=x.y_z-1': [['app.kubernetes.io/name', 'in', ['x.y_z-1']]],
  };
  for (const [text, expected] of Object.entries(cases)) {
    const parsed = parseLabelSelector(text).map(({ key, operator, values }) => [
      key,
      operator,
      values,
    ]);
    t.strictSame(parsed, expected, JSON.stringify(text));
  }
  t.end();
});

t.test('K24: bad label selectors are 400 with the words of Kubernetes', (t) => {
  const cases: Readonly<Record<string, string>> = {
    '=b': "found '=', expected: !, identifier, or 'end of string'",
    'a b': "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt",
    'a=b c': "found 'c', expected: ',' or 'end of string'",
    'a=b,': "found '', expected: identifier after ','",
    'a in x': "unable to parse requirement: found 'x' expected: '('",
    'a in (x': "unable to parse requirement: found '', expected: ',' or ')'",
    'a in ()':
      "unable to parse requirement: values: Invalid value: []: for 'in', 'notin' operators, " +
      "values set can't be empty",
    'a>x':
      "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, " +
      'the value must be an integer',
    '!=b': "found '!=', expected: !, identifier, or 'end of string'",
    '!': "unable to parse requirement: found '', expected: identifier",
    'a=-x':
      'unable to parse requirement: values[0][a]: Invalid value: "-x": a valid label must be an ' +
      "empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and " +
      "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex " +
      "used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
  };
  for (const [text, message] of Object.entries(cases)) {
    const error = failureOf(() => parseLabelSelector(text));
    t.equal(error.message, message, text);
    t.match(error, { code: 400, reason: 'BadRequest' });
  }
  for (const key of ['a/b/c', '/a', 'a/', '-a', 'x'.repeat(64), 'A_B/c', `${'p'.repeat(254)}/a`]) {
    const { message } = failureOf(() => parseLabelSelector(key));
    t.match(message, /^unable to parse requirement: <nil>: Invalid value: "/, key.slice(0, 20));
  }
  t.end();
});

t.test('K24: labels against requirements', (t) => {
  const labels = { a: 'x', n: '7', empty: '' };
  const cases: Readonly<Record<string, boolean>> = {
    'a=x': true,
    'a=y': false,
    'a!=y': true,
    'missing!=y': true,
    'missing=': false,
    'empty=': true,
    'a in (x,y)': true,
    'a notin (x,y)': false,
    'missing notin (x)': true,
    a: true,
    missing: false,
    '!missing': true,
    'n>6,n<8': true,
    'n>7': false,
    'a>1': false,
    toString: false,
  };
  for (const [text, expected] of Object.entries(cases)) {
    const held = parseLabelSelector(text).every((each) => labelsSatisfy(labels, each));
    t.equal(held, expected, text);
  }
  t.end();
});

t.test('K24: field selectors', (t) => {
  const fields = selectableFieldsOf({ group: '', resource: 'pods' }, { isNamespaced: true });
  const parsed = parseFieldSelector('status.phase!=Running,metadata.name==a\\,b\\=c\\\\', fields);
  t.same(parsed, [
    { field: 'metadata.name', operator: 'equal', value: 'a,b=c\\' },
    { field: 'status.phase', operator: 'notEqual', value: 'Running' },
  ]);
  t.equal(exactName(parsed), 'a,b=c\\');
  t.equal(exactName(parseFieldSelector('metadata.name!=a', fields)), undefined);
  t.same(parseFieldSelector('', fields), []);
  const cases: Readonly<Record<string, string>> = {
    'spec.nope=1': 'field label not supported: spec.nope',
    'metadata.name': "invalid selector: 'metadata.name'; can't understand 'metadata.name'",
    'metadata.name=a\\x': 'invalid field selector: invalid escape sequence: \\x',
    'metadata.name=a=b': 'invalid field selector: unescaped character in value: 61',
  };
  for (const [text, message] of Object.entries(cases)) {
    const error = failureOf(() => parseFieldSelector(text, fields));
    t.same([error.code, error.message], [400, message]);
  }
  t.end();
});

t.test('K24: which fields a resource offers, and their values', (t) => {
  const names = (group: string, resource: string, isNamespaced = true): string[] =>
    selectableFieldsOf({ group, resource }, { isNamespaced }).map(({ name }) => name);
  t.same(names('', 'nodes', false), ['metadata.name', 'spec.unschedulable']);
  t.same(names('apps', 'deployments'), ['metadata.name', 'metadata.namespace']);
  t.ok(names('', 'pods').includes('status.podIPs'));
  t.ok(names('events.k8s.io', 'events').includes('regarding.name'));
  t.notOk(names('', 'events').includes('regarding.name'));
  const declared = selectableFieldsOf(
    { group: 'ex.io', resource: 'foos' },
    { isNamespaced: true, declared: ['.spec.color'] },
  );
  t.match(declared.at(-1), { name: 'spec.color', isIndexed: true });
  const object = {
    metadata: { name: 'a' },
    spec: { hostNetwork: true, nodeName: 'n', count: 3 },
    status: { podIPs: [{ ip: '10.0.0.1' }, { ip: 'fd00::1' }] },
    reportingComponent: 'kubelet',
  } as unknown as KubernetesObject;
  const value = (name: string, resource = 'pods'): string | undefined =>
    selectableFieldsOf({ group: '', resource }, { isNamespaced: true })
      .find((field) => field.name === name)
      ?.valueOf(object);
  t.equal(value('spec.hostNetwork'), 'true');
  t.equal(value('spec.nodeName'), 'n');
  t.equal(value('status.podIPs'), '10.0.0.1,fd00::1');
  t.equal(value('status.phase'), '');
  t.equal(value('spec.unschedulable', 'nodes'), 'false');
  t.equal(value('source', 'events'), 'kubelet');
  t.equal(pathField('spec.count').valueOf(object), '3');
  t.end();
});

const PODS = { group: '', resource: 'pods' };
const DEPLOYMENTS = { group: 'apps', resource: 'deployments' };

t.test('K39: every failure as its Status', (t) => {
  const rows: readonly (readonly [ApiError, number, string, string, unknown])[] = [
    [notFound(PODS, 'x'), 404, 'NotFound', 'pods "x" not found', { name: 'x', kind: 'pods' }],
    [
      notFound(DEPLOYMENTS, 'x'),
      404,
      'NotFound',
      'deployments.apps "x" not found',
      { name: 'x', group: 'apps', kind: 'deployments' },
    ],
    [resourceNotServed(), 404, 'NotFound', 'the server could not find the requested resource', {}],
    [
      alreadyExists(PODS, 'x'),
      409,
      'AlreadyExists',
      'pods "x" already exists',
      { name: 'x', kind: 'pods' },
    ],
    [
      generatedNameTaken(PODS, 'x'),
      409,
      'AlreadyExists',
      'pods "x" already exists, the server was not able to generate a unique name for the object',
      { name: 'x', kind: 'pods', retryAfterSeconds: 1 },
    ],
    [
      objectModified(DEPLOYMENTS, 'x'),
      409,
      'Conflict',
      'Operation cannot be fulfilled on deployments.apps "x": the object has been modified; ' +
        'please apply your changes to the latest version and try again',
      { name: 'x', group: 'apps', kind: 'deployments' },
    ],
    [
      conflict(PODS, 'x', 'why'),
      409,
      'Conflict',
      'Operation cannot be fulfilled on pods "x": why',
      { name: 'x', kind: 'pods' },
    ],
    [
      forbidden(PODS, 'x', 'no'),
      403,
      'Forbidden',
      'pods "x" is forbidden: no',
      { name: 'x', kind: 'pods' },
    ],
    [forbidden(PODS, '', 'no'), 403, 'Forbidden', 'pods is forbidden: no', { kind: 'pods' }],
    [forbidden({ group: '', resource: '' }, '', 'no'), 403, 'Forbidden', 'forbidden: no', {}],
    [
      forbiddenWithCauses(PODS, 'x', 'no', [{ reason: 'R', message: 'm' }]),
      403,
      'Forbidden',
      'pods "x" is forbidden: no',
      { name: 'x', kind: 'pods', causes: [{ reason: 'R', message: 'm' }] },
    ],
    [unauthorized(), 401, 'Unauthorized', 'Unauthorized', undefined],
    [
      methodNotAllowed(),
      405,
      'MethodNotAllowed',
      'the server does not allow this method on the requested resource',
      {},
    ],
    [
      notAcceptable(),
      406,
      'NotAcceptable',
      'only the following media types are accepted: application/json, application/yaml, ' +
        'application/vnd.kubernetes.protobuf',
      undefined,
    ],
    [
      unsupportedMediaType(),
      415,
      'UnsupportedMediaType',
      'the body of the request was in an unknown format - accepted media types include: ' +
        'application/json, application/yaml, application/vnd.kubernetes.protobuf',
      undefined,
    ],
    [
      requestEntityTooLarge({ limit: 3145728 }),
      413,
      'RequestEntityTooLarge',
      'Request entity too large: limit is 3145728',
      undefined,
    ],
    [expired('old', 'T'), 410, 'Expired', 'old', undefined],
    [tooManyRequests('wait'), 429, 'TooManyRequests', 'wait', { retryAfterSeconds: 1 }],
    [
      internalError('x'),
      500,
      'InternalError',
      'Internal error occurred: x',
      { causes: [{ reason: 'InternalError', message: 'x' }] },
    ],
    [notImplemented('not here'), 501, 'NotImplemented', 'not here', undefined],
    [serviceUnavailable('gone'), 503, 'ServiceUnavailable', 'gone', undefined],
    [serviceUnavailable('gone', 1), 503, 'ServiceUnavailable', 'gone', { retryAfterSeconds: 1 }],
    [
      timeout(),
      504,
      'Timeout',
      'Timeout: request did not complete within the allotted timeout',
      undefined,
    ],
    [
      resourceVersionTooLarge('9', '6'),
      504,
      'Timeout',
      'Timeout: Too large resource version: 9, current: 6',
      {
        causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
        retryAfterSeconds: 1,
      },
    ],
  ];
  for (const [error, code, reason, message, details] of rows) {
    t.same([error.code, error.reason, error.message], [code, reason, message]);
    t.strictSame(error.status.details, details, message);
    t.match(error.status, { kind: 'Status', apiVersion: 'v1', status: 'Failure', code });
  }
  t.strictSame(expired('old', 'T').status.metadata, { continue: 'T' });
  t.strictSame(notFound(PODS, 'x').status.metadata, {});
  t.end();
});

t.test('K39: Invalid names the Kind, and lists several causes in brackets', (t) => {
  const required = { reason: 'FieldValueRequired', message: 'Required value', field: 'spec.a' };
  const other = { ...required, field: 'spec.b' };
  const one = invalid({ group: '', kind: 'Pod' }, 'x', [required]);
  t.equal(one.message, 'Pod "x" is invalid: spec.a: Required value');
  t.strictSame(one.status.details, { name: 'x', kind: 'Pod', causes: [required] });
  const two = invalid({ group: 'apps', kind: 'Deployment' }, 'x', [required, other, required]);
  t.equal(
    two.message,
    'Deployment.apps "x" is invalid: [spec.a: Required value, spec.b: Required value]',
  );
  t.end();
});
