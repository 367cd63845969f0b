// Times several calls in turns.
import { setTimeout as wait } from 'node:timers/promises';

const SAMPLE = 0.3; // ms
const SLICE = 25; // ms of calls between two pauses of the warm-up
const SLICES = { least: 4, most: 60 };
const PAUSE = 10; // ms, in which the engine's compiler threads may use this core
const LEAST_SAMPLES = 9;
const SHORTEST = 1e-5; // ms a call may seem to take

function timeOf(run, calls) {
  const start = performance.now();
  for (let i = 0; i < calls; ++i) run();
  return (performance.now() - start) / calls;
}

/** Ms of one call; the least of a slice's. */
function slice(run) {
  let least = Infinity;
  for (const end = performance.now() + SLICE; performance.now() < end;) {
    least = Math.min(least, Math.max(timeOf(run, least < SAMPLE ? Math.ceil(SAMPLE / least) : 1), SHORTEST));
  }
  return least;
}

/**
 * Until three slices in a row are no faster than the best before: engines start in a baseline tier that is many times
 * slower, and compile function by function while the code runs. Returns ms of a call.
 */
async function warmUp(run) {
  let best = Infinity, same = 0;
  for (let i = 0; i < SLICES.most && (i < SLICES.least || same < 3); ++i) {
    const time = slice(run);
    same = time < 0.97 * best ? 0 : same + 1;
    best = Math.min(best, time);
    await wait(PAUSE);
  }
  return best;
}

function quantile(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.round(share * (sorted.length - 1)))];
}
function summary(times) {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share) => quantile(sorted, share);
  return { median: at(0.5), p10: at(0.1), p90: at(0.9), samples: times.length };
}

/**
 * Rounds A B C, A B C: what disturbs a core lasts longer than a round and meets all alike. A sample follows one untimed
 * call, which finds the caches as the candidate itself leaves them. Ms, for each of `runs`.
 */
export async function race(runs, budget) {
  const calls = [];
  for (const run of runs) calls.push(Math.max(1, Math.ceil(SAMPLE / await warmUp(run))));
  const times = runs.map(() => []);
  for (const end = performance.now() + budget; performance.now() < end || times[0].length < LEAST_SAMPLES;) {
    runs.forEach((run, i) => {
      run();
      times[i].push(timeOf(run, calls[i]));
    });
  }
  return times.map(summary);
}
