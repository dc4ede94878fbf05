"use strict";
// What a page plays: FLAC of the recording and of what was kept, from which the rest is subtracted.

/** Numbers as they were written, to the last bit: base64 of little-endian doubles. */
function readDoubles(text) {
  const view = new DataView(readBytes(text).buffer);
  return Float64Array.from({ length: view.byteLength / 8 }, (_, i) => view.getFloat64(8 * i, true));
}

function readBytes(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

/** Samples of 16 bits as they were written: some browsers divide those above 0 by 32767. */
function asWritten(samples) {
  const isWhole = (number) => Math.abs(number - Math.round(number)) < 0.01;
  const above = samples.every((sample) => isWhole(sample * 32768)) ? 32768 : 32767;
  return samples.map((sample) => Math.round(sample * (sample > 0 ? above : 32768)) / 32768);
}

/** The samples of each sound, a Float32Array a channel, at the level at which they were recorded. */
async function readSounds(sounds) {
  const scale = 2 ** -sounds.exponent;
  // every file says 44100 Hz, so that nothing is resampled, whatever the recording's own rate is
  const context = new OfflineAudioContext(1, 1, 44100);
  const decode = async (text) => {
    const buffer = await context.decodeAudioData(readBytes(text).buffer);
    return Array.from({ length: sounds.channels }, (_, channel) =>
      asWritten(buffer.getChannelData(channel).slice(0, sounds.samples)).map((sample) => sample * scale));
  };
  const [original, kept] = await Promise.all([decode(sounds.original), decode(sounds.kept)]);
  const removed = sounds.removed
    ? await decode(sounds.removed)
    : original.map((channel, c) => channel.map((sample, i) => sample - kept[c][i]));
  return { original, kept, removed };
}

/** A WAV file of 32-bit floats, which holds any sample as it is. */
function toWav(channels, sampleRate) {
  const size = 4 * channels.length * channels[0].length;
  const view = new DataView(new ArrayBuffer(44 + size));
  const write = (place, text) => [...text].forEach((sign, i) => view.setUint8(place + i, sign.charCodeAt(0)));
  write(0, "RIFF");
  view.setUint32(4, 36 + size, true);
  write(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 3, true);
  view.setUint16(22, channels.length, true);
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, 4 * channels.length * sampleRate, true);
  view.setUint16(32, 4 * channels.length, true);
  view.setUint16(34, 32, true);
  write(36, "data");
  view.setUint32(40, size, true);
  const samples = new Float32Array(view.buffer, 44);
  channels.forEach((channel, c) => channel.forEach((sample, i) => { samples[i * channels.length + c] = sample; }));
  return new Blob([view.buffer], { type: "audio/wav" });
}

/** The lowest and the highest sample of each of so many pieces, for the picture of a waveform. */
function peaksOf(channels, most = 4000) {
  const mixed = channels[0];
  const step = Math.max(1, Math.ceil(mixed.length / most));
  const peaks = [];
  for (let i = 0; i < mixed.length; i += step) {
    let [low, high] = [0, 0];
    for (const channel of channels) {
      for (let j = i; j < Math.min(i + step, mixed.length); j++) {
        low = Math.min(low, channel[j]);
        high = Math.max(high, channel[j]);
      }
    }
    peaks.push(high, low);
  }
  return [peaks];
}
