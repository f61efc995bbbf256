/** The rules of leases on the leader (S40 to S46). */
import t from 'tap';
import { Lessor } from '.';

const A = '000000000000000a';
const B = '000000000000000b';

const lease = (leaseId: string, ttlSeconds: number, remainingSeconds = ttlSeconds) => ({
  leaseId,
  ttlSeconds,
  remainingSeconds,
});

function leader(now = 0, ...leases: readonly ReturnType<typeof lease>[]): Lessor {
  const lessor = new Lessor({ electionTimeoutMs: 1000 });
  lessor.promote(now, leases);
  return lessor;
}

t.test('S40 a lease is not taken before its TTL, and is at it', (t) => {
  const lessor = leader();
  lessor.granted(500, lease(A, 10));
  t.equal(lessor.nextExpiryMs(), 10_500);
  t.same(lessor.takeExpired(10_499, 10), []);
  t.same(lessor.takeExpired(10_500, 10), [A]);
  t.same(lessor.takeExpired(99_999, 10), [], 'it is offered once');
  t.equal(lessor.nextExpiryMs(), undefined);
  t.end();
});

t.test('S41 a new leader gives the full or checkpointed time plus an election timeout', (t) => {
  const lessor = leader(100, lease(A, 10), lease(B, 1000, 3));
  t.same(lessor.takeExpired(4_099, 10), []);
  t.same(lessor.takeExpired(4_100, 10), [B]);
  t.same(lessor.takeExpired(11_099, 10), []);
  t.same(lessor.takeExpired(11_100, 10), [A]);
  t.end();
});

t.test('S42, S44 a renewal gives the full TTL; an unknown lease is a value', (t) => {
  const lessor = leader();
  lessor.granted(0, lease(A, 10));
  t.same(lessor.renew(9_000, A), { kind: 'renewed', ttlSeconds: 10 });
  t.equal(lessor.remainingSeconds(12_000, A), 7);
  t.same(lessor.takeExpired(18_999, 10), []);
  t.same(lessor.takeExpired(19_000, 10), [A]);
  t.same(lessor.renew(0, B), { kind: 'unknown' });
  t.equal(lessor.remainingSeconds(0, B), undefined);
  t.end();
});

t.test('S43 a renewal that meets a proposed end waits for its outcome', (t) => {
  const lessor = leader();
  lessor.granted(0, lease(A, 1));
  lessor.granted(0, lease(B, 100));
  lessor.takeExpired(1000, 10);
  lessor.revoking(B);
  t.same(lessor.renew(1001, A), { kind: 'ending' });
  t.same(lessor.renew(1001, B), { kind: 'ending' });
  lessor.ended(A);
  t.same(lessor.renew(1002, A), { kind: 'unknown' });
  lessor.giveBack([B, A]);
  t.same(lessor.renew(1003, B), { kind: 'renewed', ttlSeconds: 100 });
  t.end();
});

t.test('a failed proposal of expiry is offered again', (t) => {
  const lessor = leader();
  lessor.granted(0, lease(A, 1));
  t.same(lessor.takeExpired(1000, 10), [A]);
  lessor.giveBack([A]);
  lessor.giveBack([A]);
  t.equal(lessor.nextExpiryMs(), 1000);
  t.same(lessor.takeExpired(1000, 10), [A]);
  t.end();
});

t.test('a proposal holds at most as many leases as asked for', (t) => {
  const lessor = leader();
  for (let i = 0; i < 5; i++) lessor.granted(i, lease(`00000000000000f${String(i)}`, 1));
  t.equal(lessor.takeExpired(5000, 3).length, 3);
  t.equal(lessor.takeExpired(5000, 3).length, 2);
  t.end();
});

t.test('S46 without leadership no clock runs', (t) => {
  const lessor = leader(0, lease(A, 1));
  lessor.demote();
  t.equal(lessor.isPromoted, false);
  lessor.granted(0, lease(B, 1));
  t.same(lessor.takeExpired(99_999, 10), []);
  t.throws(() => lessor.renew(0, A), /only a leader renews/);
  lessor.promote(5000, [lease(B, 1)]);
  t.same(lessor.renew(5000, A), { kind: 'unknown' });
  t.same(lessor.takeExpired(7000, 10), [B]);
  t.end();
});
