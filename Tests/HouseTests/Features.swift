// A misspelt feature name in Package.swift is accepted in silence. This file does not compile
// unless every one of them is really on; `ManifestTests` sees that all targets ask for the same.
#if !hasFeature(ExistentialAny)
  #error("ExistentialAny is off")
#endif
#if !hasFeature(InternalImportsByDefault)
  #error("InternalImportsByDefault is off")
#endif
#if !hasFeature(MemberImportVisibility)
  #error("MemberImportVisibility is off")
#endif
#if !hasFeature(NonisolatedNonsendingByDefault)
  #error("NonisolatedNonsendingByDefault is off")
#endif
#if !hasFeature(InferIsolatedConformances)
  #error("InferIsolatedConformances is off")
#endif
#if !hasFeature(ImmutableWeakCaptures)
  #error("ImmutableWeakCaptures is off")
#endif
#if !hasFeature(StrictMemorySafety)
  #error("StrictMemorySafety is off")
#endif
#if swift(<6.0)
  #error("language mode 6 is off")
#endif

/// What every Swift target of the package switches on, as Package.swift must say it.
enum Features {
  static let upcoming = [
    "ExistentialAny", "ImmutableWeakCaptures", "InferIsolatedConformances",
    "InternalImportsByDefault", "MemberImportVisibility", "NonisolatedNonsendingByDefault",
  ]
}
