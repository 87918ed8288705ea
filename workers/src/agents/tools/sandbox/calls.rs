//! What a program may ask of the kernel: seccomp. Files are Landlock's matter; this closes what that does not cover:
//! sockets, other processes, namespaces, what outlives a process, and parts of the kernel that few programs need.

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, apply_filter,
};
use std::collections::BTreeMap;

#[cfg(target_arch = "x86_64")]
const ARCH: TargetArch = TargetArch::x86_64;
#[cfg(target_arch = "aarch64")]
const ARCH: TargetArch = TargetArch::aarch64;

/// Refused with EPERM, whatever the arguments.
const REFUSED: &[i64] = &[
    // Sockets; a pair of them reaches nobody else.
    libc::SYS_socket,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    // Leaving the group that is killed at the end.
    libc::SYS_setsid,
    libc::SYS_setpgid,
    // Other processes.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    // What outlives a process.
    libc::SYS_shmget,
    libc::SYS_semget,
    libc::SYS_msgget,
    libc::SYS_mq_open,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    // Another view of the system.
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_chroot,
    libc::SYS_pivot_root,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    // What goes past these rules, or is large and rarely needed.
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_personality,
    // The machine's.
    libc::SYS_reboot,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_adjtimex,
    libc::SYS_clock_adjtime,
    libc::SYS_syslog,
    libc::SYS_fanotify_init,
    libc::SYS_vhangup,
];

/// Flags of `clone` that make namespaces.
const NAMESPACES: &[i32] = &[
    libc::CLONE_NEWNS,
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
];

/// Requests of `ioctl` that type for a terminal: TIOCSTI and TIOCLINUX, whose type differs between C libraries.
const TYPING: [u64; 2] = [0x5412, 0x541c];

/// Calls by the numbers of x32, which are another way to the same calls.
#[cfg(target_arch = "x86_64")]
const X32: i64 = 0x4000_0000;
/// Those that have numbers of their own there.
#[cfg(target_arch = "x86_64")]
const X32_OWN: std::ops::Range<i64> = 512..548;

/// Takes the rules upon this process and all that it starts.
pub(super) fn confine() -> Result<(), String> {
    let said =
        |error: &dyn std::fmt::Display| format!("seccomp rules are not taken: {error}; use a kernel with seccomp");
    let refuse = refused().map_err(|error| said(&error))?;
    // A program that may not be looked into is told that it does not exist, and takes the one that can be.
    let absent = filter([(libc::SYS_clone3, Vec::new())].into(), libc::ENOSYS).map_err(|error| said(&error))?;
    for rules in [&absent, &refuse] {
        apply_filter(rules).map_err(|error| said(&error))?;
    }
    Ok(())
}

fn refused() -> Result<BpfProgram, seccompiler::BackendError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = REFUSED.iter().map(|call| (*call, Vec::new())).collect();
    let mut spaces = Vec::new();
    for flag in NAMESPACES {
        let flag = u64::from(*flag as u32);
        let set = SeccompCondition::new(0, SeccompCmpArgLen::Qword, SeccompCmpOp::MaskedEq(flag), flag)?;
        spaces.push(SeccompRule::new(vec![set])?);
    }
    rules.insert(libc::SYS_clone, spaces);
    let mut typing = Vec::new();
    for request in TYPING {
        typing.push(SeccompRule::new(vec![SeccompCondition::new(
            1,
            SeccompCmpArgLen::Dword,
            SeccompCmpOp::Eq,
            request,
        )?])?);
    }
    rules.insert(libc::SYS_ioctl, typing);
    #[cfg(target_arch = "x86_64")]
    {
        let known: Vec<i64> = rules.keys().copied().chain([libc::SYS_clone3]).collect();
        for call in known.into_iter().chain(X32_OWN) {
            rules.insert(call | X32, Vec::new());
        }
    }
    filter(rules, libc::EPERM)
}

fn filter(rules: BTreeMap<i64, Vec<SeccompRule>>, error: i32) -> Result<BpfProgram, seccompiler::BackendError> {
    SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Errno(error as u32), ARCH)?.try_into()
}
