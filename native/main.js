// Starts the release's valetkey on this machine. It finds the program, holds it against the checksum that the release's
// commit names, and passes on streams, signals and exit code. Inputs, masks, outputs and state are the program's own.
const { createHash, randomUUID } = require('node:crypto')
const { execFileSync, spawn } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { gunzipSync } = require('node:zlib')
const names = { linux: 'linux', darwin: 'darwin', win32: 'windows', x64: 'amd64', arm64: 'arm64' } // node's and Go's

// Returns a machine's name in a release, such as linux_amd64.
function platform (system, machine) {
  if (names[system] && names[machine]) return `${names[system]}_${names[machine]}`
  throw new Error(`there is no valetkey for ${system} on ${machine}\nhint: it is made for linux, darwin and win32, on x64 and arm64`)
}

// Returns the path of the release's program, from the input binary, the tool cache or the release itself.
function program (env, release, target) {
  const given = env.INPUT_BINARY
  const isProgram = bytes => createHash('sha256').update(bytes).digest('hex') === release.sha256[target]
  const fits = file => { try { return isProgram(fs.readFileSync(file)) } catch { return false } }
  if (given && !fs.existsSync(given)) throw new Error('input binary: no file is there\nhint: give its path on this machine')
  if (given && (!release || fits(given))) return path.resolve(given)
  if (!release) throw new Error('this commit names no program\nhint: name a release in uses, or give the path of a program in binary')
  if (given) throw new Error(`input binary: not the program of ${release.version} for ${target}\nhint: take it from that release's archive`)
  const place = `valetkey/${release.version}/${target}/valetkey${target.startsWith('windows') ? '.exe' : ''}`
  const files = [env.RUNNER_TOOL_CACHE, env.RUNNER_TEMP].filter(root => root).map(root => path.join(root, place))
  for (const file of files) if (fits(file)) return file
  const content = fetched(`${release.downloads}/valetkey_${release.version}_${target}.tar.gz`, env)
  if (!isProgram(content)) throw new Error(`the archive for ${target} is not the one of ${release.version}\nhint: do not use it`)
  let fault = new Error('RUNNER_TEMP is empty\nhint: the runner sets it for each step')
  for (const file of files) { // other jobs may be writing it too, or running it, which on Windows keeps it as it is
    const fresh = `${file}.${randomUUID()}`
    try {
      fs.mkdirSync(path.dirname(file), { recursive: true })
      fs.writeFileSync(fresh, content, { mode: 0o755 })
      fs.renameSync(fresh, file)
    } catch (error) { fault = error } finally { if (fs.existsSync(fresh)) fs.rmSync(fresh) }
    if (fits(file)) return file
  }
  throw fault
}

// Returns the first file of a .tar.gz; its length stands in octal at byte 124. It is fetched by a process of its own, which
// gets no inputs, since node reads a proxy's settings at its start. When it can't, its words may hold a password of theirs.
function fetched (url, env) {
  const script = 'fetch(process.argv[1]).then(async r => { if (!r.ok) throw r.status; process.stdout.write(await r.bytes()) })' +
    '.catch(e => { while (e.cause) e = e.cause; console.error(e.message ?? e); process.exitCode = 7 })'
  const kept = Object.entries(env).filter(([name]) => /^(path|systemroot|runner_tracking_id|node_extra_ca_certs|.*_proxy)$/i.test(name))
    .map(([name, value]) => [name, /^https?_/i.test(name) ? value.replace(/^(?=.)(?!.*:\/\/)/, 'http://') : value])
  const options = { maxBuffer: 1 << 26, timeout: 120_000, stdio: 'pipe', env: { ...Object.fromEntries(kept), NODE_USE_ENV_PROXY: '1' } }
  try {
    const tar = gunzipSync(execFileSync(process.execPath, ['-e', script, url], options), { maxOutputLength: 1 << 26 })
    return tar.subarray(512, 512 + parseInt(tar.toString('latin1', 124, 135), 8))
  } catch (error) {
    const why = error.status === 7 ? String(error.stderr).trim() : error.status ? 'node refuses the settings of a proxy' : error.message
    throw new Error(`${url}: ${why}\nhint: let this runner reach that address, or give the path of the program in binary`)
  }
}

// Runs the program under a name, which tells its stages apart. Signals are heard before it starts; on Windows both get them.
function start (name, level) {
  const stop = error => {
    process.exitCode = level === 'error' ? 1 : 0
    console.log(`::${level}::` + error.message.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A'))
  }
  try {
    const release = fs.existsSync(path.join(__dirname, 'release.json')) ? require('./release.json') : null
    const found = program(process.env, release, platform(process.platform, process.arch))
    if (name === 'valetkey' && process.env.GITHUB_STATE) fs.appendFileSync(process.env.GITHUB_STATE, 'native=started\n') // for post
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGBREAK']) process.on(signal, () => process.platform === 'win32' || child.kill(signal))
    const child = spawn(found, ['mint'], { argv0: name, stdio: 'inherit' })
    child.on('error', stop).on('exit', (code, signal) => signal ? stop(Error(`ended by ${signal}`)) : (process.exitCode = code))
  } catch (error) { stop(error) }
}

module.exports = { platform, program, start }
if (require.main === module) start('valetkey', 'error')
