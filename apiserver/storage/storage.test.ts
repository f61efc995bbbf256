/** `KvStorage` on a model of the store: the suite, and what is special without a cache. */
import t from 'tap';
import { conformReads, conformWatches, conformWrites } from './conformance/index';
import { POD_FIELDS, type Subject } from './conformance/harness';
import { KvStorage } from './kv-storage';
import { ObjectLeases } from './object-lease';
import { ManualClock } from './testing/manual-clock';
import { ModelKv } from './testing/model-kv';

function make(): Promise<Subject> {
  const clock = new ManualClock();
  const kv = new ModelKv({ clock });
  const storage = (): KvStorage =>
    new KvStorage({
      kv,
      clock,
      resource: { group: '', resource: 'pods' },
      kind: 'Pod',
      isNamespaced: true,
      keySegment: 'pods',
      selectable: POD_FIELDS,
      leases: new ObjectLeases({ kv, clock }),
    });
  return Promise.resolve({
    storage: storage(),
    kv,
    clock,
    another: () => Promise.resolve(storage()),
    close: () => Promise.resolve(),
  });
}

t.test('writes', (t) => {
  conformWrites(t, make);
  t.end();
});

t.test('reads', (t) => {
  conformReads(t, make);
  t.end();
});

t.test('watches', (t) => {
  conformWatches(t, make);
  t.end();
});
