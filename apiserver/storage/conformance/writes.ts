/** Create, update and delete as every `Storage` does them (K18, K44, K79, K80). */
import type { Test } from 'tap';
import { fromUtf8, utf8 } from '../../../base/bytes';
import { storeError } from '../../../store/index';
import { isApiError } from '../../machinery/status';
import {
  ANY_STATE,
  CONSISTENT,
  deletePod,
  failureOf,
  listing,
  pathsOf,
  pod,
  replacePod,
  settled,
  type SubjectFactory,
} from './harness';

const KEY = '/registry/pods/ns/a';

/** The suite of writes. */
export function conformWrites(t: Test, make: SubjectFactory): void {
  t.test('create stores canonical JSON without a resourceVersion (K2, K78)', async (t) => {
    const { storage, kv, close } = await make();
    const object = { ...pod('ns/a'), apiVersion: 'v1', zeta: 1, alpha: { b: 1, a: 2 } };
    const created = await storage.create('ns/a', object);
    const { keyValue } = await kv.get(utf8(KEY));
    t.equal(
      fromUtf8(keyValue?.value ?? new Uint8Array()),
      '{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a","namespace":"ns","uid":"uid-ns/a"},' +
        '"alpha":{"a":2,"b":1},"spec":{},"zeta":1}',
    );
    t.equal(created.resourceVersion, '2', 'K1: the revision of its last modification');
    t.equal(created.object.metadata.resourceVersion, '2', 'filled in when read');
    t.match(fromUtf8(created.json), /^\{"kind":"Pod","apiVersion":"v1","metadata":\{"resourceV/);
    await close();
  });

  t.test('create of a taken name is AlreadyExists (K39)', async (t) => {
    const { storage, close } = await make();
    await storage.create('ns/a', pod('ns/a'));
    const error = await failureOf(storage.create('ns/a', pod('ns/a')));
    t.ok(isApiError(error, 'AlreadyExists'));
    t.match(error, { status: { code: 409, message: 'pods "a" already exists' } });
    await close();
  });

  t.test('a dry run writes nothing and has no resourceVersion (K51)', async (t) => {
    const { storage, kv, close } = await make();
    const created = await storage.create('ns/a', pod('ns/a'), { dryRun: true });
    t.equal(created.resourceVersion, '');
    t.equal(created.object.metadata.resourceVersion, undefined);
    await storage.create('ns/b', pod('ns/b'));
    const update = { object: pod('ns/b', { phase: 'Running' }) };
    const options = { dryRun: true };
    const updated = await storage.guaranteedUpdate(
      'ns/b',
      ANY_STATE,
      () => Promise.resolve(update),
      options,
    );
    t.match(updated.object['status'], { phase: 'Running' });
    await storage.delete('ns/b', ANY_STATE, () => Promise.resolve(), options);
    t.equal(kv.revision, 2, 'only ns/b was written');
    t.same(pathsOf(await storage.list(listing())), ['ns/b']);
    await close();
  });

  t.test('T11: an update with identical content writes nothing (K44)', async (t) => {
    const { storage, kv, close } = await make();
    const { resourceVersion } = await storage.create('ns/a', pod('ns/a', { phase: 'Running' }));
    await settled();
    const same = await replacePod(storage, 'ns/a', { phase: 'Running' });
    t.equal(same.resourceVersion, resourceVersion);
    const { metadata, ...rest } = pod('ns/a', { phase: 'Running' });
    const reordered = { ...rest, metadata: { uid: 'uid-ns/a', namespace: 'ns', name: 'a' } };
    t.same(Object.keys(metadata), ['name', 'namespace', 'uid']);
    const again = await storage.guaranteedUpdate('ns/a', ANY_STATE, () =>
      Promise.resolve({
        object: { ...reordered, metadata: { ...reordered.metadata, resourceVersion } },
      }),
    );
    t.equal(
      again.resourceVersion,
      resourceVersion,
      'field order and a resourceVersion do not count',
    );
    t.equal(kv.revision, 2);
    await close();
  });

  t.test('a value stored otherwise than written here is written anew (K78)', async (t) => {
    const { storage, kv, close } = await make();
    kv.commit([
      {
        key: utf8(KEY),
        value: utf8('{"apiVersion":"v1","kind":"Pod","metadata":{"namespace":"ns","name":"a"}}'),
      },
    ]);
    await settled();
    const read = await storage.get('ns/a', CONSISTENT);
    t.equal(read?.object.metadata.resourceVersion, '2');
    const object = { kind: 'Pod', apiVersion: 'v1', metadata: { name: 'a', namespace: 'ns' } };
    const written = await storage.guaranteedUpdate('ns/a', ANY_STATE, () =>
      Promise.resolve({ object }),
    );
    t.equal(written.resourceVersion, '3');
    await close();
  });

  t.test('a lost race computes the update anew from what is stored (K79)', async (t) => {
    const { storage, kv, close } = await make();
    await storage.create('ns/a', pod('ns/a'));
    const seen: (string | undefined)[] = [];
    const updated = await storage.guaranteedUpdate('ns/a', ANY_STATE, (current) => {
      seen.push(current?.resourceVersion);
      if (seen.length === 1) {
        const value = utf8(
          '{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a","namespace":"ns"},"n":1}',
        );
        kv.commit([{ key: utf8(KEY), value }]);
      }
      return Promise.resolve({ object: { ...(current?.object as object), m: 2 } as never });
    });
    t.same(seen, ['2', '3']);
    t.match(updated.object, { n: 1, m: 2, metadata: { resourceVersion: '4' } });
    await close();
  });

  t.test('with a resourceVersion precondition a lost race is a conflict (K79)', async (t) => {
    const { storage, close } = await make();
    const { resourceVersion } = await storage.create('ns/a', pod('ns/a'));
    await replacePod(storage, 'ns/a', { phase: 'Running' });
    const error = await failureOf(
      storage.guaranteedUpdate('ns/a', { uid: undefined, resourceVersion }, () =>
        Promise.resolve({ object: pod('ns/a') }),
      ),
    );
    t.ok(isApiError(error, 'Conflict'));
    t.match(error, {
      message:
        'Operation cannot be fulfilled on pods "a": the object has been modified; please apply ' +
        'your changes to the latest version and try again',
      status: { details: { name: 'a', kind: 'pods' } },
    });
    await close();
  });

  t.test('update of an absent object may create it (K43)', async (t) => {
    const { storage, close } = await make();
    const created = await storage.guaranteedUpdate('ns/a', ANY_STATE, (current) => {
      t.equal(current, undefined);
      return Promise.resolve({ object: pod('ns/a') });
    });
    t.equal(created.resourceVersion, '2');
    await close();
  });

  t.test('a write whose outcome is unknown is a 504 and is not tried again', async (t) => {
    const { storage, kv, close } = await make();
    kv.failNext('put', storeError('STORE_CONNECTION_LOST', 'Cannot know'));
    const error = await failureOf(storage.create('ns/a', pod('ns/a')));
    t.match(error, {
      code: 504,
      reason: 'Timeout',
      message: 'Timeout: request did not complete within the allotted timeout',
    });
    t.equal(kv.calls.put, 1);
    await close();
  });

  t.test('delete returns the last state with the revision of the deletion (K18)', async (t) => {
    const { storage, kv, close } = await make();
    await storage.create('ns/a', pod('ns/a', { phase: 'Running' }));
    const deleted = await deletePod(storage, 'ns/a');
    t.equal(deleted.resourceVersion, '3');
    t.equal(kv.revision, 3);
    t.match(deleted.object, { status: { phase: 'Running' }, metadata: { resourceVersion: '3' } });
    t.equal(await storage.get('ns/a', CONSISTENT), undefined);
    const error = await failureOf(deletePod(storage, 'ns/a'));
    t.match(error, { code: 404, message: 'pods "a" not found' });
    await close();
  });

  t.test('delete preconditions answer with the Kind (K39, K47)', async (t) => {
    const { storage, close } = await make();
    await storage.create('ns/a', pod('ns/a', { uid: 'u2' }));
    const valid = (): Promise<void> => Promise.resolve();
    const uid = await failureOf(
      storage.delete('ns/a', { uid: 'u1', resourceVersion: undefined }, valid),
    );
    t.match(uid, {
      status: {
        code: 409,
        message:
          'Operation cannot be fulfilled on Pod "a": the UID in the precondition (u1) does not ' +
          'match the UID in record (u2). The object might have been deleted and then recreated',
        details: { name: 'a', kind: 'Pod' },
      },
    });
    const version = await failureOf(
      storage.delete('ns/a', { uid: undefined, resourceVersion: '1' }, valid),
    );
    t.match(version, {
      message:
        'Operation cannot be fulfilled on Pod "a": the ResourceVersion in the precondition (1) ' +
        'does not match the ResourceVersion in record (2). The object might have been modified',
    });
    await close();
  });

  t.test('delete asks its validation again after a lost race', async (t) => {
    const { storage, kv, close } = await make();
    await storage.create('ns/a', pod('ns/a'));
    const seen: string[] = [];
    const deleted = await storage.delete('ns/a', ANY_STATE, (current) => {
      seen.push(current.resourceVersion);
      if (seen.length === 1) {
        const value = utf8('{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"}}');
        kv.commit([{ key: utf8(KEY), value }]);
      }
      return Promise.resolve();
    });
    t.same(seen, ['2', '3']);
    t.equal(deleted.resourceVersion, '4');
    await close();
  });

  t.test('objects written close together share a lease (K80)', async (t) => {
    const { storage, kv, clock, close } = await make();
    await storage.create('ns/a', pod('ns/a'), { ttlSeconds: 3600 });
    await storage.create('ns/b', pod('ns/b'), { ttlSeconds: 3600 });
    t.equal(kv.calls.lease, 1);
    clock.advance(61_000);
    await storage.create('ns/c', pod('ns/c'), { ttlSeconds: 3600 });
    t.equal(kv.calls.lease, 2, '5 % of an hour is more than a minute, which is the most');
    clock.advance(3_600_000 - 61_000);
    t.same(pathsOf(await storage.list(listing())), ['ns/a', 'ns/b', 'ns/c'], 'never too early');
    clock.advance(61_000);
    await settled();
    t.same(pathsOf(await storage.list(listing())), ['ns/c']);
    await close();
  });
}
