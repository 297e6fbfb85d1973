// Starts the release's valetkey on this machine. It finds the program, holds it against the checksum that the release's
// commit names, and passes on streams, signals and exit code. Inputs, masks, outputs and state are the program's own.
'use strict'
const { createHash } = require('node:crypto')
const { execFileSync, spawn } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { gunzipSync } = require('node:zlib')

const systems = { linux: 'linux', darwin: 'darwin', win32: 'windows' }
const machines = { x64: 'amd64', arm64: 'arm64' }

// Returns what the program for a machine is called in a release, such as linux_amd64.
function platform (system, machine) {
  if (systems[system] && machines[machine]) return `${systems[system]}_${machines[machine]}`
  throw new Error(`there is no valetkey for ${system} on ${machine}\nhint: it is made for linux, darwin and win32, on x64 and arm64`)
}

// Returns the path of the program that the release names, from the input binary, the tool cache or the release itself.
function program (env, release, target) {
  const given = env.INPUT_BINARY
  const wanted = release?.sha256[target]
  const fits = file => fs.existsSync(file) && createHash('sha256').update(fs.readFileSync(file)).digest('hex') === wanted
  if (given && !release && fs.existsSync(given)) return path.resolve(given)
  if (!release) throw new Error('this commit names no program\nhint: name a release in uses, or give the path of a program in binary')
  if (given && fits(given)) return path.resolve(given)
  if (given) throw new Error(`input binary: not the program of ${release.version} for ${target}\nhint: take it from that release's archive`)
  const folder = path.join(env.RUNNER_TOOL_CACHE || env.RUNNER_TEMP, 'valetkey', release.version, target)
  const file = path.join(folder, target.startsWith('windows') ? 'valetkey.exe' : 'valetkey')
  if (fits(file)) return file
  const fresh = `${file}.${process.pid}${file.endsWith('.exe') ? '.exe' : ''}`
  fs.mkdirSync(folder, { recursive: true })
  fs.writeFileSync(fresh, fetched(`${release.downloads}/valetkey_${release.version}_${target}.tar.gz`, env), { mode: 0o755 })
  if (!fits(fresh)) {
    fs.rmSync(fresh)
    throw new Error(`the archive for ${target} is not the one of ${release.version}\nhint: something on the way changed it; do not use it`)
  }
  fs.renameSync(fresh, file)
  return file
}

// Returns the first file of a .tar.gz, whose length stands in octal at byte 124 of its header. It is fetched in a process
// of its own, since node reads the settings of a proxy at its start, and without the inputs.
function fetched (url, env) {
  const script = 'fetch(process.argv[1]).then(async r => { if (!r.ok) throw r.status; process.stdout.write(await r.bytes()) })' +
    '.catch(e => { console.error(e.cause?.message ?? e); process.exitCode = 1 })'
  const kept = Object.entries(env).filter(([name]) => /^(path|systemroot|node_extra_ca_certs|(https?|no)_proxy)$/i.test(name))
  const options = { maxBuffer: 1 << 26, timeout: 120_000, stdio: 'pipe', env: { ...Object.fromEntries(kept), NODE_USE_ENV_PROXY: '1' } }
  try {
    const tar = gunzipSync(execFileSync(process.execPath, ['-e', script, url], options))
    return tar.subarray(512, 512 + parseInt(tar.toString('latin1', 124, 135), 8))
  } catch (error) {
    const why = String(error.stderr ?? '').trim() || error.code || error.message
    throw new Error(`${url}: ${why}\nhint: let this runner reach that address, or give the path of the program in binary`)
  }
}

// Runs the program under a name, by which it tells its stages apart. On Windows the runner's Ctrl-C reaches it by itself.
function start (name, level) {
  const stop = error => {
    process.exitCode = level === 'error' ? 1 : 0
    console.log(`::${level}::` + error.message.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A'))
  }
  try {
    const file = path.join(__dirname, 'release.json')
    const release = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file)) : null
    const found = program(process.env, release, platform(process.platform, process.arch))
    const child = spawn(found, ['mint'], { argv0: name, stdio: 'inherit' })
    for (const signal of process.platform === 'win32' ? [] : ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
    child.on('error', stop).on('exit', code => { process.exitCode = code ?? 1 })
  } catch (error) { stop(error) }
}

module.exports = { platform, program, start }
if (require.main === module) {
  fs.appendFileSync(process.env.GITHUB_STATE, 'native=started\n') // post has nothing to end where this was never reached
  start('valetkey', 'error')
}
