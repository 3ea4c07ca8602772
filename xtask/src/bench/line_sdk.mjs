// Pushes through LINE's own SDK for Node.js: what a program without a record of its own does at best.
import { messagingApi } from '@line/bot-sdk';

const [url, calls, workers] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const client = new messagingApi.MessagingApiClient({ channelAccessToken: 'token', baseURL: url });
const text = 'あ'.repeat(1300);
let left = calls;
const worker = async () => {
  while (left-- > 0) {
    await client.pushMessage({ to: 'U0123456789abcdef0123456789abcdef', messages: [{ type: 'text', text }] });
  }
};
const begin = process.hrtime.bigint();
await Promise.all(Array.from({ length: workers }, worker));
console.log(calls / (Number(process.hrtime.bigint() - begin) / 1e9));
