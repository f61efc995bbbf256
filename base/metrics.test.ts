import t from 'tap';
import { MetricsRegistry } from './metrics';

t.test('counters and gauges are exposed with their labels, escaped', (t) => {
  const registry = new MetricsRegistry();
  const requests = registry.counter({
    name: 'requests_total',
    help: 'Requests.',
    labelNames: ['verb', 'code'],
  });
  requests.increment(['get', '200']);
  requests.increment(['get', '200'], 2);
  requests.increment(['a"\\\n', '404']);
  const open = registry.gauge({ name: 'open', help: 'Open.' });
  open.onExpose((gauge) => gauge.set([], 7));
  t.equal(requests.value(['get', '200']), 3);
  t.equal(
    registry.expose(),
    '# HELP requests_total Requests.\n# TYPE requests_total counter\n' +
      'requests_total{verb="get",code="200"} 3\n' +
      'requests_total{verb="a\\"\\\\\\n",code="404"} 1\n' +
      '# HELP open Open.\n# TYPE open gauge\nopen 7\n',
  );
  t.end();
});

t.test('a histogram counts at and below each bound, and once more beyond the last', (t) => {
  const registry = new MetricsRegistry();
  const seconds = registry.histogram({
    name: 'seconds',
    help: 'S.',
    labelNames: ['op'],
    buckets: [0.1, 1],
  });
  for (const value of [0.1, 0.11, 1, 5]) seconds.observe(['get'], value);
  const text = registry.expose();
  t.match(text, 'seconds_bucket{op="get",le="0.1"} 1\n');
  t.match(text, 'seconds_bucket{op="get",le="1"} 3\n');
  t.match(text, 'seconds_bucket{op="get",le="+Inf"} 4\n');
  t.match(text, 'seconds_sum{op="get"} 6.21\n');
  t.match(text, 'seconds_count{op="get"} 4\n');
  t.equal(seconds.count(['get']), 4);
  t.end();
});

t.test('a wrong number of labels and a name declared twice are bugs', (t) => {
  const registry = new MetricsRegistry();
  const counter = registry.counter({ name: 'c', help: 'c' });
  t.throws(() => counter.increment(['x']), /each label has its value/);
  t.throws(() => registry.counter({ name: 'c', help: 'c' }), /declared once/);
  t.end();
});
