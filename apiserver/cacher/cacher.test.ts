/** The watch cache on a model of the store: the suite of `Storage`, and what only a cache does. */
import t from 'tap';
import { conformReads, conformWatches, conformWrites } from '../storage/conformance/index';
import { makeSubject } from './testing/cached-subject';

t.test('writes', (t) => {
  conformWrites(t, makeSubject);
  t.end();
});

t.test('reads', (t) => {
  conformReads(t, makeSubject);
  t.end();
});

t.test('watches', (t) => {
  conformWatches(t, makeSubject);
  t.end();
});
