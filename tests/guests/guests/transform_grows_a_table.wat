;; For the seed 666 it grows a table until it is refused, and then traps. Otherwise it copies its
;; input. In the text form, because Rust has no word for a table.
(module
  (import "[export]zenith:plugin/transform@0.1.0" "[resource-new]instance" (func $new (param i32) (result i32)))
  (import "zenith:plugin/types@0.1.0" "[method]output.write" (func $write (param i32 i32 i32)))
  (import "zenith:plugin/types@0.1.0" "[resource-drop]output" (func $drop (param i32)))
  (memory (export "memory") 1)
  (table $table 1 funcref)

  (func (export "zenith:plugin/transform@0.1.0#[static]instance.configure") (param i32 i32) (result i32)
    (i32.store8 (i32.const 16) (i32.const 0))
    (i32.store (i32.const 20) (call $new (i32.const 1)))
    (i32.const 16))

  (func (export "zenith:plugin/transform@0.1.0#[method]instance.plan")
    (param i32) (param $dtype i32) (param $shape i32) (param $rank i32) (result i32)
    (i32.store8 (i32.const 16) (i32.const 0))
    (i32.store8 (i32.const 20) (local.get $dtype))
    (i32.store (i32.const 24) (local.get $shape))
    (i32.store (i32.const 28) (local.get $rank))
    (i32.store (i32.const 32) (i32.const 0))
    (i32.const 16))

  (func (export "zenith:plugin/transform@0.1.0#[method]instance.window")
    (param i32 i32 i32 i64) (result i32)
    (unreachable))

  (func (export "zenith:plugin/transform@0.1.0#[method]instance.apply")
    (param i32 i32 i32 i32) (param $data i32) (param $length i32) (param $seed i64) (param $output i32)
    (result i32)
    (if (i64.eq (local.get $seed) (i64.const 666))
      (then
        (loop $again
          (br_if $again
            (i32.ne (table.grow $table (ref.null func) (i32.const 65536)) (i32.const -1))))
        (unreachable)))
    (call $write (local.get $output) (local.get $data) (local.get $length))
    (call $drop (local.get $output))
    (i32.store8 (i32.const 16) (i32.const 0))
    (i32.const 16))

  (func (export "zenith:plugin/transform@0.1.0#[dtor]instance") (param i32))

  ;; What the host hands over begins at 1024 anew with every call.
  (global $next (mut i32) (i32.const 1024))
  (func $reset (param i32) (global.set $next (i32.const 1024)))
  (export "cabi_post_zenith:plugin/transform@0.1.0#[method]instance.apply" (func $reset))
  (export "cabi_post_zenith:plugin/transform@0.1.0#[method]instance.plan" (func $reset))
  (func (export "cabi_realloc") (param i32 i32) (param $align i32) (param $size i32) (result i32)
    (local $start i32)
    (local.set $start
      (i32.and
        (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
        (i32.sub (i32.const 0) (local.get $align))))
    (global.set $next (i32.add (local.get $start) (local.get $size)))
    (local.get $start)))
